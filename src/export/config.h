/*
 * The configuration of weir-export, /etc/weir/export.yaml (docs/export.md). It is
 * read and checked whole before anything of it is used; one that is wrong changes
 * nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits_export.h"
#include "export/queue.h"

enum output_kind {
	OUTPUT_FILE,
	OUTPUT_UNIX,
	OUTPUT_SYSLOG,
	OUTPUT_WEBHOOK,
	OUTPUT_IPFIX,
	OUTPUT_KIND__MAX
};

const char *output_kind_name(enum output_kind k);

enum output_transport { TO_FILE, TO_UDP, TO_TCP, TO_TLS };

enum webhook_shape { SHAPE_JSON, SHAPE_SLACK, SHAPE_TEAMS };

/* Texts are owned; NULL: not said. */
struct output_config {
	char *name; /* letters, digits, '-', '_', '.' */
	enum output_kind kind;
	/* As it stands in the file, for who wants to know whether it is the same. */
	char *source;

	uint32_t kinds;	  /* bits by enum item_kind */
	uint8_t severity; /* at least, of what has one; 0: any */
	bool only_marked; /* webhook: nothing but what rules send there */
	struct queue_limits buffer;

	/* file; ipfix to one */
	char *path;
	uint32_t rotate_mb, rotate_hours, keep; /* 0: never */

	/* unix */
	bool datagram;

	/* syslog, ipfix */
	enum output_transport transport;
	char *host, *port;
	uint8_t facility;
	bool as_text;	 /* a short text, not EVE */
	uint32_t domain; /* ipfix: observation domain */

	/* TLS, and of webhooks */
	char *ca, *cert, *key, *peer; /* peer: as its certificate is to say */

	/* webhook; both may be secrets and are in no log */
	char *url, *authorization;
	enum webhook_shape shape;
	bool allow_http;
};

struct export_config {
	char *door;	  /* the agent's */
	char *state_dir;  /* where cursors are kept */
	char *status;	  /* the file for `weir export status` */
	uint32_t stats_s; /* 0: no stats */
	struct output_config outputs[EXPORT_OUTPUTS_MAX];
	size_t n;
};

/*
 * -ENOENT: there is no file; else -EINVAL with FILE:LINE:COL. *ret is untouched on
 * failure.
 */
int export_config_read(const char *path, struct export_config *ret,
		       struct err *reterr);
/* The same of a text; file: as errors call it. */
int export_config_parse(const char *text, size_t len, const char *file,
			struct export_config *ret, struct err *reterr);
void export_config_done(struct export_config *c);
