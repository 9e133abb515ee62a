/*
 * The file's keys are read as fields of JSON objects (wire/field.h); the YAML
 * reader says in which line a mistake is.
 */
#include "api/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "door/agentclient.h"
#include "wire/field.h"
#include "yaml/yaml.h"

static int out_of_memory(struct err *reterr)
{
	return err_set(reterr, ENOMEM, NULL, "out of memory");
}

static void hosts_done(struct api_config *c)
{
	for (size_t i = 0; i < c->n_hosts; i++)
		free(c->hosts[i]);
	c->n_hosts = 0;
}

void api_config_done(struct api_config *c)
{
	hosts_done(c);
	free(c->cert);
	free(c->key);
	free(c->user);
	free(c->state_dir);
	free(c->web);
	free(c->openapi);
	free(c->agent);
	*c = (struct api_config){ 0 };
}

int api_config_init(struct api_config *c, struct err *reterr)
{
	struct api_listen here = { 0 };

	/* it is an address */
	(void)api_listen_parse("127.0.0.1:8787", &here, reterr);
	*c = (struct api_config){
		.listens = { here },
		.n_listens = 1,
		.user = strdup("weir-api"),
		.state_dir = strdup("/var/lib/weir-api"),
		.web = strdup(WEIR_DATADIR "/web"),
		.openapi = strdup(WEIR_DATADIR "/openapi.yaml"),
		.agent = strdup(AGENT_SOCKET_DEFAULT),
		.metrics_local = true,
	};
	if (!c->user || !c->state_dir || !c->web || !c->openapi || !c->agent) {
		api_config_done(c);
		return out_of_memory(reterr);
	}
	return 0;
}

/* --- addresses --------------------------------------------------------------- */

static int bad_listen(const char *text, struct err *reterr)
{
	return err_set(reterr, EINVAL, NULL,
		       "expected ADDRESS:PORT or [ADDRESS]:PORT, got \"%.80s\"",
		       text);
}

static bool is_loopback(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LOOPBACK(a) ||
	       (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

static bool parse_port(const char *text, in_port_t *ret)
{
	char *end;
	unsigned long port;

	if (text[0] < '0' || text[0] > '9')
		return false;
	port = strtoul(text, &end, 10);
	if (*end || port > UINT16_MAX)
		return false;
	*ret = htons((uint16_t)port);
	return true;
}

int api_listen_parse(const char *text, struct api_listen *ret,
		     struct err *reterr)
{
	struct api_listen l = { .addr = { .sin6_family = AF_INET6 } };
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 8];
	size_t len = colon ? (size_t)(colon - text) : 0;
	bool six = len > 2 && text[0] == '[' && text[len - 1] == ']';

	if (len == 0 || len >= sizeof host - 7 ||
	    !parse_port(colon + 1, &l.addr.sin6_port))
		return bad_listen(text, reterr);
	(void)snprintf(host, sizeof host, "%s%.*s",
		       six ? "" : "::ffff:", (int)(six ? len - 2 : len),
		       six ? text + 1 : text);
	if (inet_pton(AF_INET6, host, &l.addr.sin6_addr) != 1)
		return bad_listen(text, reterr);
	l.loopback = is_loopback(&l.addr.sin6_addr);
	*ret = l;
	return 0; /* NOLINT(clang-analyzer-unix.Malloc): of its caller */
}

const char *api_listen_text(const struct api_listen *l,
			    char buf[static API_LISTEN_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN];
	const struct in6_addr *a = &l->addr.sin6_addr;
	bool four = IN6_IS_ADDR_V4MAPPED(a);

	(void)inet_ntop(four ? AF_INET : AF_INET6,
			four ? (const void *)&a->s6_addr[12] : a, host,
			sizeof host);
	(void)snprintf(buf, API_LISTEN_TEXT_MAX, four ? "%s:%u" : "[%s]:%u",
		       host, ntohs(l->addr.sin6_port));
	return buf;
}

/* --- the file's parts ------------------------------------------------------------ */

static void read_text(struct fields *f, const char *name, char **ret)
{
	const char *text;
	char *copy;

	if (!field_str(f, name, FIELD_MAY, PATH_MAX - 1, &text))
		return;
	if (!text[0]) {
		fields_refuse(f, name, "must not be empty");
		return;
	}
	copy = strdup(text);
	if (!copy) {
		f->rc = out_of_memory(f->reterr);
		return;
	}
	free(*ret);
	*ret = copy;
}

static void read_listens(struct fields *f, struct api_config *c)
{
	const json_t *list, *v;
	size_t i;

	if (!field_array(f, "listen", FIELD_MAY, API_LISTENS_MAX, &list))
		return;
	if (json_array_size(list) == 0)
		fields_refuse(f, "listen", "must name an address");
	c->n_listens = 0;
	json_array_foreach (list, i, v) {
		const char *text = json_string_value(v);
		struct err err;

		if (!text) {
			fields_refuse(f, "listen", "must be a list of texts");
			return;
		}
		if (api_listen_parse(text, &c->listens[i], &err) < 0) {
			fields_refuse(f, "listen", "%s", err.text);
			return;
		}
		c->n_listens++;
	}
}

static void read_hosts(struct fields *f, struct api_config *c)
{
	const json_t *list, *v;
	size_t i;

	if (!field_array(f, "hosts", FIELD_MAY, API_HOSTS_MAX, &list))
		return;
	hosts_done(c);
	json_array_foreach (list, i, v) {
		if (!json_is_string(v)) {
			fields_refuse(f, "hosts", "must be a list of texts");
			return;
		}
		c->hosts[i] = strdup(json_string_value(v));
		if (!c->hosts[i]) {
			f->rc = out_of_memory(f->reterr);
			return;
		}
		c->n_hosts++;
	}
}

/* A part of the file: its fields are read by fn. */
static void read_part(struct fields *whole, const char *name,
		      void (*fn)(struct fields *f, struct api_config *c),
		      struct api_config *c)
{
	struct fields f;

	if (!field_part(whole, name, &f))
		return;
	fn(&f, c);
	field_part_close(whole, name, &f);
}

static void read_tls(struct fields *f, struct api_config *c)
{
	read_text(f, "cert", &c->cert);
	read_text(f, "key", &c->key);
	if (f->rc == 0 && (!c->cert || !c->key))
		fields_refuse(f, c->cert ? "key" : "cert", "is missing");
}

static void read_state(struct fields *f, struct api_config *c)
{
	read_text(f, "dir", &c->state_dir);
}

static void read_agent(struct fields *f, struct api_config *c)
{
	read_text(f, "socket", &c->agent);
}

static void read_web(struct fields *f, struct api_config *c)
{
	read_text(f, "dir", &c->web);
	read_text(f, "openapi", &c->openapi);
}

static void read_metrics(struct fields *f, struct api_config *c)
{
	(void)field_bool(f, "local", FIELD_MAY, &c->metrics_local);
}

static int read_value(const json_t *v, void *arg, struct err *reterr)
{
	struct api_config *c = arg;
	struct fields f;

	if (json_is_null(v)) /* an empty file says nothing */
		return 0;
	f = fields_open(v, true, reterr);
	read_listens(&f, c);
	read_hosts(&f, c);
	read_part(&f, "tls", read_tls, c);
	read_part(&f, "state", read_state, c);
	read_part(&f, "agent", read_agent, c);
	read_part(&f, "web", read_web, c);
	read_part(&f, "metrics", read_metrics, c);
	read_text(&f, "user", &c->user);
	return fields_close(&f);
}

int api_config_read(const char *path, struct api_config *ret,
		    struct err *reterr)
{
	struct api_config c;
	size_t len = 0;
	char *text = file_load(path, CONFIG_BYTES_MAX, &len, reterr);
	int rc;

	if (!text)
		return -reterr->code;
	rc = api_config_init(&c, reterr);
	if (rc == 0)
		rc = yaml_text_read_one(text, len, path, read_value, &c,
					reterr);
	free(text);
	if (rc < 0)
		api_config_done(&c);
	else
		*ret = c;
	return rc;
}

int api_config_check(const struct api_config *c, struct err *reterr)
{
	char text[API_LISTEN_TEXT_MAX];

	for (size_t i = 0; i < c->n_listens; i++)
		if (!c->listens[i].loopback && !c->cert)
			return err_set(
				reterr, EINVAL, "listen",
				"%s is not loopback: that needs TLS (tls: "
				"{cert: FILE, key: FILE}); passwords would "
				"cross the network readable",
				api_listen_text(&c->listens[i], text));
	return 0;
}
