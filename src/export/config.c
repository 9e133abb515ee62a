/*
 * Keys are read as fields of JSON objects (wire/field.h), so an unknown one, or
 * one of another type, is refused in the same words as on the doors; the YAML
 * reader says in which line it is. Which keys an output may have depends on its
 * kind: what another kind has is unknown to it.
 */
#include "export/config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "wire/field.h"
#include "yaml/yaml.h"

#define DEFAULT_DOOR   "/run/weir/agent.sock"
#define DEFAULT_STATE  "/var/lib/weir-export"
#define DEFAULT_STATUS "/run/weir-export/status.json"

static const char *const kind_names[OUTPUT_KIND__MAX] = { "file", "unix",
							  "syslog", "webhook",
							  "ipfix" };

const char *output_kind_name(enum output_kind k)
{
	return kind_names[k];
}

static void output_done(struct output_config *o)
{
	free(o->name);
	free(o->source);
	free(o->path);
	free(o->host);
	free(o->port);
	free(o->ca);
	free(o->cert);
	free(o->key);
	free(o->peer);
	free(o->url);
	free(o->authorization);
	*o = (struct output_config){ 0 };
}

void export_config_done(struct export_config *c)
{
	for (size_t i = 0; i < c->n; i++)
		output_done(&c->outputs[i]);
	free(c->door);
	free(c->state_dir);
	free(c->status);
	*c = (struct export_config){ 0 };
}

static int out_of_memory(struct err *reterr)
{
	return err_set(reterr, ENOMEM, NULL, "out of memory");
}

/* --- values --------------------------------------------------------------------- */

static void set_text(struct fields *f, char **ret, const char *text, size_t len)
{
	char *copy = strndup(text, len);

	if (!copy) {
		f->rc = out_of_memory(f->reterr);
		return;
	}
	free(*ret);
	*ret = copy;
}

static bool read_text(struct fields *f, const char *name, enum field_need need,
		      char **ret)
{
	const char *text;

	if (!field_str(f, name, need, EXPORT_TEXT_MAX, &text))
		return false;
	if (!text[0]) {
		fields_refuse(f, name, "must not be empty");
		return false;
	}
	set_text(f, ret, text, strlen(text));
	return f->rc == 0;
}

static void read_path(struct fields *f, const char *name, enum field_need need,
		      char **ret)
{
	if (read_text(f, name, need, ret) && *ret && (*ret)[0] != '/')
		fields_refuse(f, name, "must begin with /");
}

static bool is_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";

	return text[0] && strlen(text) < EXPORT_NAME_MAX &&
	       text[strspn(text, allowed)] == '\0';
}

/* --- what outputs have in common -------------------------------------------------- */

static void read_events(struct fields *f, struct output_config *o)
{
	const json_t *list, *v;
	size_t i;

	if (!field_array(f, "events", FIELD_MAY, 2UL * ITEM_KIND__MAX, &list))
		return;
	o->kinds = 0;
	o->only_marked = false;
	json_array_foreach (list, i, v) {
		const char *word = json_string_value(v);
		uint32_t bits = word ? item_kinds_of(word) : 0;
		char at[32];

		if (!bits) {
			(void)snprintf(at, sizeof at, "events[%zu]", i);
			fields_refuse(f, at,
				      "must be alert, anomaly, engine, flow, "
				      "http, tls, dns, stats, violation, "
				      "signature, dlp, waf, threat, state, "
				      "change or all");
			return;
		}
		o->kinds |= bits;
	}
}

static void read_severity(struct fields *f, struct output_config *o)
{
	const char *text;

	if (!field_str(f, "severity", FIELD_MAY, 32, &text))
		return;
	o->severity = item_severity_by_name(text);
	if (!o->severity)
		fields_refuse(f, "severity",
			      "must be info, low, medium, high or critical");
}

static void read_buffer(struct fields *whole, struct output_config *o)
{
	uint32_t mb = EXPORT_BYTES_DEFAULT_MB;
	struct fields f;

	o->buffer.lines = EXPORT_LINES_DEFAULT;
	if (field_part(whole, "buffer", &f)) {
		(void)field_u32(&f, "lines", FIELD_MAY, 2 * EXPORT_BATCH_MAX,
				EXPORT_LINES_MAX, &o->buffer.lines);
		(void)field_u32(&f, "mb", FIELD_MAY, 1, EXPORT_BYTES_MAX_MB,
				&mb);
		field_part_close(whole, "buffer", &f);
	}
	o->buffer.bytes = (uint64_t)mb << 20;
}

static void read_rotate(struct fields *whole, struct output_config *o)
{
	struct fields f;

	o->rotate_mb = 100;
	o->rotate_hours = 24;
	o->keep = 7;
	if (!field_part(whole, "rotate", &f))
		return;
	(void)field_u32(&f, "mb", FIELD_MAY, 0, 1 << 20, &o->rotate_mb);
	(void)field_u32(&f, "hours", FIELD_MAY, 0, 24 * 366, &o->rotate_hours);
	(void)field_u32(&f, "keep", FIELD_MAY, 1, EXPORT_KEEP_MAX, &o->keep);
	field_part_close(whole, "rotate", &f);
}

static void read_tls(struct fields *whole, struct output_config *o)
{
	struct fields f;

	if (!field_part(whole, "tls", &f))
		return;
	read_path(&f, "ca", FIELD_MAY, &o->ca);
	read_path(&f, "cert", FIELD_MAY, &o->cert);
	read_path(&f, "key", FIELD_MAY, &o->key);
	if (o->kind == OUTPUT_SYSLOG)
		(void)read_text(&f, "name", FIELD_MAY, &o->peer);
	if (!o->cert != !o->key)
		fields_refuse(&f, o->cert ? "key" : "cert",
			      "is missing: certificate and key go together");
	field_part_close(whole, "tls", &f);
}

/* --- where to ------------------------------------------------------------------- */

/* "udp://HOST:PORT", "[::1]:514"; the port may be missing where there is one. */
static void read_to(struct fields *f, struct output_config *o,
		    const char *udp_tcp_port, const char *tls_port)
{
	static const struct {
		const char *scheme;
		enum output_transport transport;
	} schemes[] = { { "udp://", TO_UDP },
			{ "tcp://", TO_TCP },
			{ "tls://", TO_TLS } };
	const char *text, *host, *end, *port;
	size_t i = 0, n = tls_port ? 3 : 2;

	if (!field_str(f, "to", FIELD_MUST, 300, &text))
		return;
	while (i < n && strncmp(text, schemes[i].scheme, 6) != 0)
		i++;
	if (i == n) {
		fields_refuse(f, "to", "must begin with udp://, tcp://%s",
			      tls_port ? " or tls://" : "");
		return;
	}
	o->transport = schemes[i].transport;
	host = text + 6;
	end = host[0] == '[' ? strchr(host, ']') : host + strcspn(host, ":");
	if (!end || end == host) {
		fields_refuse(f, "to", "has no host");
		return;
	}
	port = host[0] == '[' ? end + 1 : end;
	host += host[0] == '[';
	set_text(f, &o->host, host, (size_t)(end - host));
	if (!*port)
		port = o->transport == TO_TLS ? tls_port : udp_tcp_port;
	else if (*port++ != ':')
		port = "";
	if (!*port || strlen(port) > 5 ||
	    port[strspn(port, "0123456789")] != '\0') {
		fields_refuse(f, "to", "must end with a port: HOST:514");
		return;
	}
	set_text(f, &o->port, port, strlen(port));
}

static void read_file(struct fields *f, struct output_config *o)
{
	read_path(f, "path", FIELD_MUST, &o->path);
	read_rotate(f, o);
}

static void read_unix(struct fields *f, struct output_config *o)
{
	static const char *const types[] = { "stream", "datagram" };
	unsigned type = 0;

	read_path(f, "path", FIELD_MUST, &o->path);
	if (o->path &&
	    strlen(o->path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		fields_refuse(f, "path", "is too long for a socket");
	field_word(f, "type", types, 2, &type);
	o->datagram = type == 1;
}

static void read_syslog(struct fields *f, struct output_config *o)
{
	static const char *const facilities[] = {
		"kern",	  "user",   "mail",   "daemon", "auth",	    "syslog",
		"lpr",	  "news",   "uucp",   "cron",	"authpriv", "ftp",
		"ntp",	  "audit",  "alert",  "clock",	"local0",   "local1",
		"local2", "local3", "local4", "local5", "local6",   "local7",
	};
	static const char *const formats[] = { "eve", "text" };
	unsigned facility = 16, format = 0;

	read_to(f, o, "514", "6514");
	field_word(f, "facility", facilities,
		   sizeof facilities / sizeof *facilities, &facility);
	field_word(f, "format", formats, 2, &format);
	o->facility = (uint8_t)facility;
	o->as_text = format == 1;
	read_tls(f, o);
}

static void read_ipfix(struct fields *f, struct output_config *o)
{
	o->kinds = 1u << ITEM_FLOW;
	o->domain = 1;
	if (json_object_get(f->obj, "path")) {
		o->transport = TO_FILE;
		read_path(f, "path", FIELD_MUST, &o->path);
		read_rotate(f, o);
	} else {
		read_to(f, o, "4739", NULL);
	}
	(void)field_u32(f, "domain", FIELD_MAY, 0, UINT32_MAX, &o->domain);
}

/* It would be another header, or none. */
static bool has_control(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
			return true;
	return false;
}

/* A secret that is not to stand in the configuration. */
static void read_secret(struct fields *f, const char *name, char **ret)
{
	char buf[EXPORT_SECRET_MAX + 1], *path = NULL;
	ssize_t n = -1;
	int fd;

	read_path(f, name, FIELD_MAY, &path);
	if (!path || f->rc < 0) {
		free(path);
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buf, sizeof buf);
		close(fd);
	}
	if (n < 0)
		fields_refuse(f, name, "%s: %s", path, strerror(errno));
	free(path);
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
		n--;
	if (f->rc < 0 || n < 0)
		return;
	if (n == 0 || n > EXPORT_SECRET_MAX || has_control(buf, (size_t)n))
		fields_refuse(f, name, "must be one line of at most %d bytes",
			      EXPORT_SECRET_MAX);
	else
		set_text(f, ret, buf, (size_t)n);
}

static void read_webhook(struct fields *f, struct output_config *o)
{
	static const char *const shapes[] = { "json", "slack", "teams" };
	unsigned shape = 0;

	o->kinds = 0;
	o->only_marked = true;
	(void)read_text(f, "url", FIELD_MAY, &o->url);
	read_secret(f, "url_file", &o->url);
	read_secret(f, "authorization_file", &o->authorization);
	field_word(f, "shape", shapes, 3, &shape);
	o->shape = (enum webhook_shape)shape;
	(void)field_bool(f, "allow_http", FIELD_MAY, &o->allow_http);
	read_tls(f, o);
	if (f->rc < 0)
		return;
	if (!o->url)
		fields_refuse(f, "url", "or url_file is missing");
	else if (strncmp(o->url, "https://", 8) != 0 &&
		 (!o->allow_http || strncmp(o->url, "http://", 7) != 0))
		fields_refuse(
			f, json_object_get(f->obj, "url") ? "url" : "url_file",
			o->allow_http ? "must begin with https:// or http://"
				      : "must begin with https:// (allow_http: "
					"true lets it be http://)");
}

static void (*const readers[OUTPUT_KIND__MAX])(struct fields *,
					       struct output_config *) = {
	[OUTPUT_FILE] = read_file,     [OUTPUT_UNIX] = read_unix,
	[OUTPUT_SYSLOG] = read_syslog, [OUTPUT_WEBHOOK] = read_webhook,
	[OUTPUT_IPFIX] = read_ipfix,
};

static int read_output(const json_t *v, struct output_config *o,
		       struct err *reterr)
{
	struct fields f = fields_open(v, true, reterr);
	unsigned kind = OUTPUT_KIND__MAX;

	(void)read_text(&f, "name", FIELD_MUST, &o->name);
	if (o->name && !is_name(o->name))
		fields_refuse(&f, "name",
			      "must be 1 to %d letters, digits, '-', '_', '.'",
			      EXPORT_NAME_MAX - 1);
	field_word(&f, "kind", kind_names, OUTPUT_KIND__MAX, &kind);
	if (f.rc == 0 && kind == OUTPUT_KIND__MAX)
		fields_refuse(&f, "kind", "is missing");
	if (f.rc == 0 && kind < OUTPUT_KIND__MAX) {
		o->kind = (enum output_kind)kind;
		o->kinds = ITEMS_ALL;
		readers[kind](&f, o);
		read_buffer(&f, o);
	}
	if (f.rc == 0 && o->kind != OUTPUT_IPFIX) {
		read_events(&f, o);
		read_severity(&f, o);
	}
	return fields_close(&f);
}

/* Also what is read from other files: a secret that is new is a change. */
static char *source_of(const json_t *v, const struct output_config *o)
{
	json_t *whole = json_pack("[O, s, s]", v, o->url ? o->url : "",
				  o->authorization ? o->authorization : "");
	char *text = json_dumps(whole, JSON_SORT_KEYS | JSON_COMPACT);

	json_decref(whole);
	return text;
}

static bool is_taken(const struct export_config *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->outputs[i].name, name) == 0)
			return true;
	return false;
}

/* *o is to be done, also when it is refused. */
static int read_one(const json_t *v, const struct export_config *c,
		    struct output_config *o, struct err *reterr)
{
	int rc = read_output(v, o, reterr);

	if (rc == 0 && is_taken(c, o->name))
		rc = err_set(reterr, EEXIST, "name",
			     "\"%s\" is an output already", o->name);
	if (rc < 0)
		return rc;
	o->source = source_of(v, o);
	return o->source ? 0 : out_of_memory(reterr);
}

static void refuse_output(struct fields *f, size_t i, int rc)
{
	char at[32];

	if (f->rc != 0)
		return;
	f->rc = rc;
	(void)snprintf(at, sizeof at, "outputs[%zu]", i);
	err_prefix(f->reterr, at);
}

static void read_outputs(struct fields *f, struct export_config *c)
{
	const json_t *list, *v;
	size_t i;

	if (!field_array(f, "outputs", FIELD_MUST, EXPORT_OUTPUTS_MAX, &list))
		return;
	json_array_foreach (list, i, v) {
		struct output_config o = { .name = NULL };
		int rc = read_one(v, c, &o, f->reterr);

		if (rc < 0) {
			output_done(&o);
			refuse_output(f, i, rc);
			return;
		}
		c->outputs[c->n++] = o;
	}
}

static int read_value(const json_t *v, void *arg, struct err *reterr)
{
	struct export_config *c = arg;
	struct fields f, part;

	if (json_is_null(v))
		return err_set(reterr, EINVAL, NULL,
			       "must be one document, with outputs:");
	f = fields_open(v, true, reterr);
	c->stats_s = 60;
	set_text(&f, &c->door, DEFAULT_DOOR, strlen(DEFAULT_DOOR));
	set_text(&f, &c->state_dir, DEFAULT_STATE, strlen(DEFAULT_STATE));
	set_text(&f, &c->status, DEFAULT_STATUS, strlen(DEFAULT_STATUS));
	read_path(&f, "agent", FIELD_MAY, &c->door);
	read_path(&f, "state", FIELD_MAY, &c->state_dir);
	read_path(&f, "status", FIELD_MAY, &c->status);
	if (field_part(&f, "stats", &part)) {
		(void)field_u32(&part, "every_s", FIELD_MAY, 0, 86400,
				&c->stats_s);
		field_part_close(&f, "stats", &part);
	}
	read_outputs(&f, c);
	return fields_close(&f);
}

int export_config_parse(const char *text, size_t len, const char *file,
			struct export_config *ret, struct err *reterr)
{
	struct export_config c = { .n = 0 };
	int rc = yaml_text_read_one(text, len, file, read_value, &c, reterr);

	if (rc < 0)
		export_config_done(&c);
	else
		*ret = c;
	return rc;
}

int export_config_read(const char *path, struct export_config *ret,
		       struct err *reterr)
{
	size_t len = 0;
	char *text = file_load(path, CONFIG_BYTES_MAX, &len, reterr);
	int rc;

	if (!text)
		return -reterr->code;
	rc = export_config_parse(text, len, path, ret, reterr);
	free(text);
	return rc;
}
