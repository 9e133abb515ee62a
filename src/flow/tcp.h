/* TCP's part of flow_follow(); only for files of this folder. */
#pragma once

#include "flow/flow.h"

/*
 * Moves the TCP state of f on by p, sent by `side`. On FLOW_STEP_OUT_OF_WINDOW
 * only f->challenge may have changed; on FLOW_STEP_REOPENED nothing has, and
 * the caller is to make the flow new, with the opener tcp_reopener() tells, and
 * to follow p again.
 */
enum flow_step tcp_follow(struct flow *f, const struct packet *p,
			  enum flow_side side);
/* Who opened the connection that takes a flow over. */
enum flow_side tcp_reopener(const struct packet *p, enum flow_side side);
/* As flow_carried(). */
void tcp_carried(struct flow *f,
		 const struct flow_carried by_side[static FLOW_SIDE__MAX]);
/* Both ends were reset by us. */
void tcp_cut(struct flow *f);
/* Has the client sent neither a byte nor a FIN? false: its SYN was not seen. */
bool tcp_client_is_silent(const struct flow *f);
/* The time-out class that belongs to f's state. */
enum flow_class tcp_class(const struct flow *f);
