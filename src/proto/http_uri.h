/*
 * What a request is for: the target of its line in parts, and its path as a
 * server comes to see it. Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Parts of a target; each borrows from it, or is empty. */
struct http_target {
	struct bytes authority; /* "user@host:80", of an absolute target */
	struct bytes path;	/* as sent; "/" if there is none */
	struct bytes query;	/* behind '?' */
	bool has_query;
	bool fragment; /* there was a '#', which no client sends */
};

/* connect: of a CONNECT, whose target is an authority only. */
struct http_target http_target_of(struct bytes target, bool connect);

/* What was odd about a path; bits. */
#define HTTP_PATH_DOUBLE    1 /* what was decoded is encoded still */
#define HTTP_PATH_TRAVERSAL 2 /* it leaves its root, or may on some system */
#define HTTP_PATH_ODD	    4 /* %00, or a '%' without two digits */

/*
 * The path decoded once, its "//", "/./" and "/../" done, as nginx does. Is path
 * itself if that is it already; else it is written to out (bytes_len(path)).
 */
struct bytes http_path_plain(struct bytes path, uint8_t *out,
			     unsigned *ret_odd);

/*
 * "path?query"; plain is the path, maybe at out's beginning already, and out has
 * room for it and the rest of the target. Is written there, or borrows from t.
 */
struct bytes http_uri_plain(const struct http_target *t, struct bytes plain,
			    struct outbytes out);

/* "Example.org.:80" is Example.org; "[::1]:80" is [::1]; also user@ is gone. */
struct bytes http_host_of(struct bytes authority);
