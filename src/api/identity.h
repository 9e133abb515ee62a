/*
 * Who a request is from, and whether a browser was tricked into sending it: the
 * session's cookie or a token, the word against cross-site requests, the header
 * Host (against names that an attacker lets point to 127.0.0.1), Origin.
 */
#pragma once

#include "api/accounts.h"
#include "api/config.h"
#include "api/request.h"

#define COOKIE_NAME "weir_session"

/*
 * The cookie's value; NULL: there is none, or several that differ. Borrowed
 * from buf.
 */
const char *identity_cookie(const char *header,
			    char buf[static SECRET_TEXT_MAX]);
/* May the server be called so? tls: a certificate says it then. */
bool identity_host(const struct api_config *c, const char *host, bool tls);
/* Is the origin (header Origin) that host? */
bool identity_origin(const char *origin, const char *host, bool tls);

/*
 * Fills r->who and checks the route's role: 0, -ENOKEY (nobody said who), or
 * -EKEYREJECTED, -EPERM.
 */
int identity_check(struct request *r, struct err *reterr);
