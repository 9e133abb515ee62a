/*
 * The one table of what each message does, for both doors.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "dp/control.h"
#include "wire/ctrl.h"

/*
 * Sends one datagram of a reply on the compatible door. false: nobody takes
 * it, stop.
 */
typedef bool reply_fn(void *arg, const uint8_t *buf, size_t len);

/*
 * Carries out one message, {"NAME": body}, that came through our own door
 * (result: an object that gets the answer's members) or through the compatible
 * one (result NULL: binary datagrams go to `reply`). 0; -ENOENT when there is
 * no such message on that door; or another -errno. *reterr is filled on error.
 */
int handle_message(struct control *ctl, const char *name, const json_t *body,
		   json_t *result, reply_fn *reply, void *reply_arg,
		   struct err *reterr);
