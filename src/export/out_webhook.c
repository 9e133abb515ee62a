/*
 * One POST a line, by libcurl. What the answer says decides:
 *
 *   2xx                sent
 *   408, 425, 429, 5xx tried again, not before Retry-After
 *   other              refused for good: that line is given up
 *
 * Redirections are not followed: a secret is for the host it was given for. The
 * URL may be a secret, too: errors name the host alone.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "export/hook.h"
#include "export/output.h"

struct webhook {
	const struct output_config *config;
	char host[256]; /* of the URL; for errors */
	CURL *curl;
	struct curl_slist *headers;
	uint64_t not_before_us;
};

static size_t ignore(char *bytes, size_t size, size_t n, void *arg)
{
	size_t *left = arg;

	(void)bytes;
	if (size * n > *left)
		return 0; /* more than any answer has: the transfer ends */
	*left -= size * n;
	return size * n;
}

static void find_host(struct webhook *w)
{
	CURLU *u = curl_url();
	char *host = NULL;

	(void)snprintf(w->host, sizeof w->host, "webhook");
	if (u &&
	    curl_url_set(u, CURLUPART_URL, w->config->url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		(void)snprintf(w->host, sizeof w->host, "%s", host);
	curl_free(host);
	curl_url_cleanup(u);
}

static bool add_header(struct webhook *w, const char *line)
{
	struct curl_slist *more = curl_slist_append(w->headers, line);

	if (more)
		w->headers = more;
	return more != NULL;
}

static bool set_options(struct webhook *w)
{
	const struct output_config *c = w->config;
	char header[EXPORT_SECRET_MAX + 32];
	bool ok = add_header(w, "Content-Type: application/json");

	if (c->authorization) {
		(void)snprintf(header, sizeof header, "Authorization: %s",
			       c->authorization);
		ok = ok && add_header(w, header);
	}
#define SET(option, value) \
	(ok = ok && curl_easy_setopt(w->curl, option, value) == CURLE_OK)
	SET(CURLOPT_URL, c->url);
	SET(CURLOPT_PROTOCOLS_STR, c->allow_http ? "http,https" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT, (long)EXPORT_SEND_S);
	SET(CURLOPT_CONNECTTIMEOUT, (long)EXPORT_SEND_S);
	SET(CURLOPT_USERAGENT, "weir-export/" WEIR_VERSION);
	SET(CURLOPT_HTTPHEADER, w->headers);
	SET(CURLOPT_WRITEFUNCTION, ignore);
	SET(CURLOPT_PROXY, ""); /* it is where it says, and nowhere else */
	if (c->ca)
		SET(CURLOPT_CAINFO, c->ca);
	if (c->cert)
		SET(CURLOPT_SSLCERT, c->cert);
	if (c->key)
		SET(CURLOPT_SSLKEY, c->key);
#undef SET
	return ok;
}

static void webhook_end(void *self)
{
	struct webhook *w = self;

	if (!w)
		return;
	curl_easy_cleanup(w->curl);
	curl_slist_free_all(w->headers);
	free(w);
}

static void *webhook_begin(const struct output_config *c, const char *host)
{
	struct webhook *w = calloc(1, sizeof *w);

	(void)host;
	if (!w)
		return NULL;
	w->config = c;
	w->curl = curl_easy_init();
	if (!w->curl || !set_options(w)) {
		webhook_end(w);
		return NULL;
	}
	find_host(w);
	return w;
}

static int answered(struct webhook *w, struct err *reterr)
{
	curl_off_t retry_s = 0;
	long code = 0;

	(void)curl_easy_getinfo(w->curl, CURLINFO_RESPONSE_CODE, &code);
	if (code >= 200 && code < 300)
		return 0;
	if (code != 408 && code != 425 && code != 429 && code < 500)
		return err_set(reterr, EBADMSG, NULL, "%s answers %ld", w->host,
			       code);
	if (curl_easy_getinfo(w->curl, CURLINFO_RETRY_AFTER, &retry_s) ==
		    CURLE_OK &&
	    retry_s > 0 && retry_s < 3600)
		w->not_before_us =
			clock_now().us + (uint64_t)retry_s * USEC_PER_SEC;
	return err_set(reterr, EAGAIN, NULL, "%s answers %ld", w->host, code);
}

static int post(struct webhook *w, const struct item *i, struct err *reterr)
{
	char *body = hook_body(w->config->shape, i);
	size_t left = EXPORT_ANSWER_BYTES;
	CURLcode rc;

	if (!body)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	(void)curl_easy_setopt(w->curl, CURLOPT_POSTFIELDS, body);
	(void)curl_easy_setopt(w->curl, CURLOPT_POSTFIELDSIZE,
			       (long)strlen(body));
	(void)curl_easy_setopt(w->curl, CURLOPT_WRITEDATA, &left);
	rc = curl_easy_perform(w->curl);
	free(body);
	/* an answer that is too long is one all the same */
	if (rc != CURLE_OK && rc != CURLE_WRITE_ERROR)
		return err_set(reterr, EIO, NULL, "%s: %s", w->host,
			       curl_easy_strerror(rc));
	return answered(w, reterr);
}

static int webhook_send(void *self, const struct item *const *items, size_t n,
			size_t *ret_done, struct err *reterr)
{
	struct webhook *w = self;
	int rc = 0;

	(void)n;
	if (clock_now().us < w->not_before_us)
		return err_set(reterr, EAGAIN, NULL,
			       "%s wants to be asked later", w->host);
	/* one at a time: a signal to end is heard in between */
	rc = post(w, items[0], reterr);
	if (rc == 0)
		*ret_done = 1;
	return rc;
}

const struct output_ops output_webhook = {
	.begin = webhook_begin,
	.end = webhook_end,
	.send = webhook_send,
};
