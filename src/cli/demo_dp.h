/*
 * The data planes of a demo: weir-dp as a child, one in the agent's namespace
 * and one in the host's, with doors of their own in the demo's directory. What
 * is here acts on that of the layout which is told of, d->layout.
 */
#pragma once

#include <jansson.h>

#include "cli/demo.h"

/* Files in the demo's directory. */
struct demo_dp_files {
	const char *control, *listen, *log;
};
extern const struct demo_dp_files demo_dp_files[DEMO_LAYOUT__MAX];

/*
 * Starts weir-dp in d->ns[demo_dp_role(d)] and waits until it answers. Which
 * program: $WEIR_DP, else beside our own, else ../dp/ or ../sbin/ from there,
 * else by $PATH.
 */
int demo_dp_start(struct demo *d, struct err *reterr);
/* SIGKILL to all its processes, and reaps it. */
void demo_dp_kill(struct demo *d);

#define DEMO_DP_MESSAGES 4
/* The article's messages, as they are sent. i: 0..DEMO_DP_MESSAGES - 1. */
const char *demo_dp_message(const struct demo *d, unsigned i);
/*
 * Sends the article's four messages in its order through the compatible door,
 * and waits until they have been carried out.
 */
int demo_dp_configure(struct demo *d, struct err *reterr);

/* One question at the own door. */
int demo_dp_ask(struct demo *d, const json_t *message, json_t **ret,
		struct err *reterr);
/* The same for a message without fields. */
int demo_dp_ask_name(struct demo *d, const char *name, json_t **ret,
		     struct err *reterr);
int demo_dp_flows(struct demo *d, json_t **ret, struct err *reterr);
