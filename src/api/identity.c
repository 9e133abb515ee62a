#include "api/identity.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "api/hall.h"
#include "api/server.h"
#include "base/clock.h"

/* --- headers ------------------------------------------------------------------ */

/* One "name=value" of the header; *at moves behind it. */
static bool next_cookie(const char **at, const char **ret, size_t *ret_len)
{
	*at += strspn(*at, "; \t");
	*ret_len = strcspn(*at, ";");
	*ret = *at;
	*at += *ret_len;
	return *ret_len > 0;
}

const char *identity_cookie(const char *header,
			    char buf[static SECRET_TEXT_MAX])
{
	static const char name[] = COOKIE_NAME "=";
	const char *one;
	bool found = false;
	size_t len;

	while (next_cookie(&header, &one, &len)) {
		if (len < sizeof name - 1 ||
		    memcmp(one, name, sizeof name - 1) != 0)
			continue;
		one += sizeof name - 1;
		len -= sizeof name - 1;
		while (len > 0 && (one[len - 1] == ' ' || one[len - 1] == '\t'))
			len--;
		if (len != SECRET_TEXT_MAX - 1 ||
		    (found && memcmp(buf, one, len) != 0))
			return NULL;
		memcpy(buf, one, len);
		buf[len] = '\0';
		found = true;
	}
	return found ? buf : NULL;
}

/* "name:8787" or "[::1]:8787" without the port; false: too long. */
static bool without_port(const char *host, char *buf, size_t size)
{
	size_t len = host[0] == '[' ? strcspn(host, "]") + 1
				    : strcspn(host, ":");

	if (len >= size || len > strlen(host) ||
	    (host[len] && host[len] != ':'))
		return false;
	memcpy(buf, host, len);
	buf[len] = '\0';
	return true;
}

static bool is_address(char *name)
{
	unsigned char bytes[16];
	size_t len = strlen(name);

	if (name[0] != '[')
		return inet_pton(AF_INET, name, bytes) == 1;
	name[len - 1] = '\0';
	return inet_pton(AF_INET6, name + 1, bytes) == 1;
}

bool identity_host(const struct api_config *c, const char *host, bool tls)
{
	char name[256];

	if (!host || !without_port(host, name, sizeof name) || !name[0])
		return false;
	if (tls || strcasecmp(name, "localhost") == 0)
		return true;
	for (size_t i = 0; i < c->n_hosts; i++)
		if (strcasecmp(c->hosts[i], name) == 0)
			return true;
	/* who has no name cannot be pointed elsewhere by it */
	return is_address(name);
}

bool identity_origin(const char *origin, const char *host, bool tls)
{
	const char *plain = "http://", *secret = "https://";

	if (strncasecmp(origin, secret, strlen(secret)) == 0)
		origin += strlen(secret); /* or a proxy's, which has TLS */
	else if (!tls && strncasecmp(origin, plain, strlen(plain)) == 0)
		origin += strlen(plain);
	else
		return false;
	return strcasecmp(origin, host) == 0;
}

/* --- who ------------------------------------------------------------------------- */

static int not_known(struct request *r, struct err *reterr)
{
	return err_set(reterr, ENOKEY, NULL,
		       "log in, or send a token (Authorization: Bearer)");
}

static bool changes(const struct request *r)
{
	return strcmp(r->route->method, "GET") != 0;
}

/* What only a page of ours can know, or send. */
static int check_csrf(const struct request *r, const char *word,
		      struct err *reterr)
{
	const char *said = request_header(r, "X-Weir-CSRF");
	char want[SECRET_TEXT_MAX];

	if (!changes(r))
		return 0;
	secret_csrf(word, want);
	if (said && secret_same(said, want))
		return 0;
	return err_set(reterr, EPERM, "X-Weir-CSRF",
		       "expected the word that GET /api/v1/session says");
}

/* This host's own, and not by a proxy for somebody else. */
static bool may_without(const struct request *r)
{
	static const char *const proxies[] = {
		"Forwarded",	     "Via",
		"X-Forwarded-For",   "X-Forwarded-Host",
		"X-Forwarded-Proto", "X-Real-IP",
	};

	if (r->route->own != OWN_METRICS || !r->server->config->metrics_local ||
	    !hall_is_local(r->of))
		return false;
	for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
		if (request_header(r, proxies[i]))
			return false;
	return true;
}

static int find_out(struct request *r, struct err *reterr)
{
	const char *cookies = request_header(r, "Cookie");
	const char *bearer = request_header(r, "Authorization");
	uint64_t now = clock_unix_us() / USEC_PER_SEC;
	char buf[SECRET_TEXT_MAX];
	const char *word = cookies ? identity_cookie(cookies, buf) : NULL;

	if (bearer) {
		if (strncasecmp(bearer, "Bearer ", 7) == 0 &&
		    accounts_by_token(r->server->accounts,
				      bearer + 7 + strspn(bearer + 7, " "), now,
				      &r->who))
			return 0;
		return err_set(reterr, EKEYREJECTED, "Authorization",
			       "no such token, or it has ended");
	}
	if (!word)
		return not_known(r, reterr);
	if (!accounts_by_session(r->server->accounts, word, now, &r->who))
		return err_set(reterr, EKEYREJECTED, "Cookie",
			       "the session has ended");
	secret_csrf(word, r->csrf);
	return check_csrf(r, word, reterr);
}

static int check_site(const struct request *r, struct err *reterr)
{
	const char *host = request_header(r, "Host");
	const char *origin = request_header(r, "Origin");
	const char *from = request_header(r, "Sec-Fetch-Site");

	/* a browser's word: it reads nothing here, but it could ask and ask */
	if (r->route->role != ROLE_NOBODY && from &&
	    strcmp(from, "cross-site") == 0)
		return err_set(reterr, EPERM, "Sec-Fetch-Site",
			       "is another site's");
	if (changes(r) && origin && !identity_origin(origin, host, r->tls))
		return err_set(reterr, EPERM, "Origin", "is another site's");
	return 0;
}

int identity_check(struct request *r, struct err *reterr)
{
	int rc = check_site(r, reterr);

	if (rc < 0)
		return rc;
	rc = find_out(r, reterr);
	if (rc == 0)
		hall_know(r->server->hall, r->of);
	/* who logs in may have a cookie that has ended */
	if (r->route->role == ROLE_NOBODY || (rc < 0 && may_without(r)))
		return 0;
	if (rc == 0 && r->who.role < r->route->role)
		rc = err_set(reterr, EPERM, NULL,
			     "that takes role %s, %s is %s",
			     role_name(r->route->role), r->who.user,
			     role_name(r->who.role));
	return rc;
}
