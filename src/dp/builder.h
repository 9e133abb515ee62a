/*
 * Sets of signatures and sensors are built aside, in a thread of their own: that
 * may take seconds, and neither frames nor doors wait.
 *
 *   control thread: builder_rules(), builder_sensors() ─▶ thread ─▶ builder_fd()
 *                   builder_take() ◀──────────────────── result
 *
 * Of each kind the last order counts: one that waits is replaced, one under way
 * is broken off where that can be, and what came of it is thrown away.
 *
 * All functions: control thread only.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "detect/sensor_set.h"
#include "detect/sig_set.h"
#include "wire/ctrl.h"

struct builder;

enum built_kind { BUILT_RULES, BUILT_SENSORS, BUILT__MAX };

struct built {
	enum built_kind kind;
	uint64_t version;	    /* of the order */
	struct sig_set *signatures; /* NULL: no rules, or it failed */
	struct sensor_set *sensors; /* likewise */
	bool failed;		    /* then err says why */
	struct err err;
	/* [{"file", "line", ...}], [{"sensor", "text"}]; NULL: out of memory */
	json_t *faults;
	uint64_t read, refused, left_out; /* rules, sensors */
};

/* Starts the thread. NULL: *reterr. */
struct builder *builder_new(struct err *reterr);
/* Waits for what is under way. NULL is accepted. */
void builder_free(struct builder *b);

/* Takes what the message holds. */
void builder_rules(struct builder *b, struct rules_message *m);
/* Takes the list; NULL: none. */
void builder_sensors(struct builder *b, struct sensor_list *list,
		     uint64_t version);

/* Readable when something is to be taken. */
int builder_fd(const struct builder *b);
/* true: *ret is filled in, and what it points to is the caller's. */
bool builder_take(struct builder *b, struct built *ret);
/* Is anything of that kind ordered and not taken yet? */
bool builder_is_busy(struct builder *b, enum built_kind kind);
/* Until all that is ordered can be taken. */
void builder_wait(struct builder *b);
void built_done(struct built *r);
