/*
 * The containers of `weir demo`: web, which serves a page at port 80, a file to
 * download beside it and an administrator's page at port 8080; and app, a client.
 *
 * They run in Docker or Podman, by a daemon of the demo's own, or are bare
 * network namespaces. All that within the demo's world (demo_world.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/demo_world.h"
#include "cli/program.h"
#include "cli/tale.h"
#include "net/netns.h"

enum box { BOX_WEB, BOX_APP, BOX__MAX };
enum box_kind { BOX_DOCKER, BOX_PODMAN, BOX_NAMESPACES, BOX_KIND__MAX };

#define BOX_PORT       80
#define BOX_PORT_ADMIN 8080
/* Of web's /big: 64-bit numbers that count up, so that a loss shows. */
#define BOX_FILE_BYTES (24 << 20)

struct boxes {
	enum box_kind kind;
	const struct demo_world *world;
	struct program daemon;
	struct program servers[2]; /* of bare namespaces */
	struct netns ns[BOX__MAX]; /* the same */
};

extern const char *const box_names[BOX__MAX];
/* "docker", ...; -EINVAL names those there are. */
int box_kind_parse(const char *text, enum box_kind *ret, struct err *reterr);
const char *box_kind_name(enum box_kind kind);
/* Line of the agent's configuration: where it finds them. */
const char *box_kind_runtimes(enum box_kind kind);
/* What is missing for it, or NULL. */
const char *box_kind_missing(enum box_kind kind);

/* Sets up *b and makes what is in the containers, once. */
int boxes_prepare(struct boxes *b, const struct demo_world *w,
		  struct err *reterr);
/* Starts what is to run them, if anything; failed, another kind may be tried. */
int boxes_start(struct boxes *b, enum box_kind kind, struct err *reterr);
/* Starts both. Each command is told. */
int boxes_run(struct boxes *b, struct tale *t, struct err *reterr);
/* Removes them and ends what ran them. For an orderly end; *reterr tells why not. */
int boxes_end(struct boxes *b, struct tale *t, struct err *reterr);

/*
 * A command within one of them: argv as it is started (ret, at most
 * PROGRAM_ARGS_MAX with the NULL) and in which namespace (NULL: ours).
 */
const struct netns *boxes_command(const struct boxes *b, enum box box,
				  const char *const argv[],
				  const char *ret[PROGRAM_ARGS_MAX]);
/* How a user types that, without argv: "docker exec app". */
const char *boxes_typed(const struct boxes *b, enum box box);
