/*
 * One run of `weir demo`: containers, an agent, and what a user does with them.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/addr.h"
#include "base/err.h"
#include "cli/demo_boxes.h"
#include "cli/demo_world.h"
#include "cli/program.h"
#include "cli/tale.h"

#define DEMO_AGENT_LOG DEMO_WORLD_DIR "/weir-agent.log"
#define DEMO_LINK_MAX  160

struct demo_agent {
	bool keep, down, kind_auto;
	enum box_kind kind;
	struct tale tale;
	const struct demo_world *world;
	struct boxes boxes;
	struct program agent, download, capture, api;
	struct netns outside;	  /* the caller's network */
	char link[DEMO_LINK_MAX]; /* to the web UI; "": there is none */
	char web[IP_TEXT_MAX];	  /* its address */
	uint64_t downloaded;	  /* bytes of the file */
};

struct demo_agent_step {
	const char *name, *title;
	int (*run)(struct demo_agent *d, struct err *reterr);
	bool ends; /* --keep leaves it out, and what follows */
};

extern const struct demo_agent_step demo_agent_steps[];
extern const size_t demo_agent_n_steps;

/* --- demo_agent_do.c: what the steps do -------------------------------------- */

/* Starts weir-agent and waits until it and its data plane are ready. */
int demo_agent_start(struct demo_agent *d, struct err *reterr);

/*
 * `weir WORDS`, told with what it prints. *ret_status its exit status; NULL: 0 is
 * expected, and checked.
 */
int demo_agent_weir(struct demo_agent *d, const char *words, int *ret_status,
		    struct err *reterr);
/*
 * app fetches web's page at a port; told. want: it must get it; else it must not.
 * The check says so, after `what`.
 */
int demo_agent_fetch(struct demo_agent *d, unsigned port, bool want,
		     const char *what, struct err *reterr);
/* The same, untold: *ret_got whether it got it. */
int demo_agent_try(struct demo_agent *d, unsigned port, bool *ret_got,
		   struct err *reterr);
/* What a command printed: indented; in JSON one more of the step's commands. */
void demo_agent_tell(struct demo_agent *d, const char *command,
		     const char *text, int status);
/* One question to the agent; args are taken. *ret is the caller's. */
int demo_agent_ask(const char *command, json_t *args, json_t **ret,
		   struct err *reterr);
/*
 * Asks again and again until is_so(answer, arg); checked, as `what` and after how
 * many ms.
 */
int demo_agent_soon(struct demo_agent *d, const char *command,
		    bool (*is_so)(const json_t *answer, const void *arg),
		    const void *arg, const char *what, struct err *reterr);

/* app begins to download web's file, and gets so many bytes of it. */
int demo_agent_download(struct demo_agent *d, uint64_t bytes,
			struct err *reterr);
/* The rest, checked to the last byte. */
int demo_agent_download_rest(struct demo_agent *d, struct err *reterr);

/* --- demo_agent_ui.c ----------------------------------------------------------- */

/* Starts weir-api where the caller's browser reaches it; d->link. */
int demo_agent_ui(struct demo_agent *d, struct err *reterr);
/*
 * What was built with this program (its path from build/src/cli/), or installed (from
 * bin/). false: neither is there.
 */
bool demo_agent_find(const char *built, const char *installed,
		     char ret[static PATH_MAX]);
/* Whom it becomes, and the agent's door lets in; and that account's group. */
const char *demo_agent_ui_account(const char **ret_group);
