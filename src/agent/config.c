/*
 * The file's keys are read as fields of JSON objects (wire/field.h), so an
 * unknown one, or one of another type, is refused by the same code as on the
 * doors; the YAML reader says in which line it is.
 */
#include "agent/config.h"

#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "wire/field.h"
#include "yaml/yaml.h"

/* Where runtimes listen if nobody moved them. */
static const struct {
	enum runtime_kind kind;
	const char *path;
} well_known[] = {
	{ RUNTIME_DOCKER, "/run/docker.sock" },
	{ RUNTIME_PODMAN, "/run/podman/podman.sock" },
	{ RUNTIME_CONTAINERD, "/run/containerd/containerd.sock" },
	{ RUNTIME_CONTAINERD, "/run/k3s/containerd/containerd.sock" },
	{ RUNTIME_CRI, "/run/crio/crio.sock" },
	{ RUNTIME_NETNS, "/run/netns" },
};

static int out_of_memory(struct err *reterr)
{
	return err_set(reterr, ENOMEM, NULL, "out of memory");
}

static void patterns_done(struct config_patterns *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->at[i]);
	p->n = 0;
}

static void runtimes_done(struct config *c)
{
	for (size_t i = 0; i < c->n_runtimes; i++)
		free((char *)(uintptr_t)c->runtimes[i].path);
	c->n_runtimes = 0;
}

static void servers_done(struct config_cluster *k)
{
	for (size_t i = 0; i < k->n_servers; i++)
		free(k->servers[i]);
	k->n_servers = 0;
}

static void cluster_done(struct config_cluster *k)
{
	servers_done(k);
	free(k->name);
	free(k->ca);
	free(k->cert);
	free(k->key);
}

void config_done(struct config *c)
{
	runtimes_done(c);
	cluster_done(&c->cluster);
	patterns_done(&c->links);
	patterns_done(&c->exclude);
	free(c->program);
	free(c->rules_path);
	free(c->plane_door);
	free(c->store_dir);
	free(c->door);
	free(c->door_group);
	free(c->api_user);
	free(c->export_user);
	free(c->node);
	free(c->kubernetes.server);
	free(c->kubernetes.token_file);
	free(c->kubernetes.ca_file);
	*c = (struct config){ 0 };
}

/*
 * The weir-dp that was built or installed with us: beside us, where `make
 * install` puts both, or where the build has it.
 */
static char *find_program(void)
{
	static const char *const beside[] = { "weir-dp", "../dp/weir-dp",
					      "../sbin/weir-dp" };
	char self[PATH_MAX], path[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	if (n <= 0)
		return strdup("weir-dp");
	self[n] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", self, beside[i]);
		if (access(path, X_OK) == 0)
			return strdup(path);
	}
	return strdup("/usr/sbin/weir-dp");
}

static char *host_name(void)
{
	char name[65];

	if (gethostname(name, sizeof name) < 0)
		return strdup("localhost");
	name[sizeof name - 1] = '\0';
	return strdup(name);
}

static int add_runtime(struct config *c, enum runtime_kind kind,
		       const char *path)
{
	char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	c->runtimes[c->n_runtimes++] = (struct runtime_spec){ kind, copy };
	return 0;
}

int config_init(struct config *c, struct err *reterr)
{
	int rc = 0;

	*c = (struct config){
		.claim_ms = 1000,
		.splice = true,
		.plane_managed = true,
		.workers = 1,
		.flows_days = 30,
		.events_days = 90,
		.store_max_mb = 1024,
		.program = find_program(),
		.rules_builtin = true,
		.rules_path = strdup(WEIR_DATADIR "/rules/builtin.rules"),
		.plane_door = strdup("/run/weir/dp.sock"),
		.store_dir = strdup("/var/lib/weir"),
		.door = strdup("/run/weir/agent.sock"),
		.door_group = strdup("weir"),
		.api_user = strdup("weir-api"),
		.export_user = strdup("weir-export"),
		.node = host_name(),
		.cluster = { .name = strdup("weir"),
			     .events_days = 30,
			     .events_mb = 1024,
			     .flows_days = 7,
			     .flows_mb = 1024 },
	};
	for (size_t i = 0;
	     rc == 0 && i < sizeof well_known / sizeof *well_known; i++)
		rc = add_runtime(c, well_known[i].kind, well_known[i].path);
	c->links.at[0] = strdup("*");
	c->links.n = 1;
	if (rc == 0 && c->program && c->rules_path && c->plane_door &&
	    c->store_dir && c->door && c->door_group && c->api_user &&
	    c->export_user && c->node && c->links.at[0] && c->cluster.name)
		return 0;
	config_done(c);
	return out_of_memory(reterr);
}

static bool text_differs(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) != 0 : a != b;
}

bool config_cluster_must_restart(const struct config_cluster *a,
				 const struct config_cluster *b)
{
	return !a->n_servers != !b->n_servers ||
	       text_differs(a->name, b->name) || a->replicas != b->replicas ||
	       a->events_days != b->events_days ||
	       a->events_mb != b->events_mb || a->flows_days != b->flows_days ||
	       a->flows_mb != b->flows_mb;
}

bool config_matches(const struct config_patterns *p, const char *text)
{
	for (size_t i = 0; i < p->n; i++)
		if (fnmatch(p->at[i], text, 0) == 0)
			return true;
	return false;
}

/* --- the file's parts ------------------------------------------------------- */

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

static void read_patterns(struct fields *f, const char *name,
			  struct config_patterns *ret)
{
	const json_t *list, *v;
	size_t i;

	if (!field_array(f, name, FIELD_MAY, CONFIG_PATTERNS_MAX, &list))
		return;
	patterns_done(ret);
	json_array_foreach (list, i, v) {
		if (!json_is_string(v)) {
			fields_refuse(f, name, "must be a list of texts");
			return;
		}
		ret->at[ret->n] = strdup(json_string_value(v));
		if (!ret->at[ret->n]) {
			f->rc = out_of_memory(f->reterr);
			return;
		}
		ret->n++;
	}
}

static int read_runtime(const json_t *v, struct config *c, struct err *reterr)
{
	struct fields f = fields_open(v, true, reterr);
	const char *kind = "", *path = "";
	enum runtime_kind k = RUNTIME_DOCKER;
	int rc;

	(void)field_str(&f, "kind", FIELD_MUST, 32, &kind);
	(void)field_str(&f, "path", FIELD_MUST, PATH_MAX - 1, &path);
	rc = fields_close(&f);
	if (rc == 0) {
		rc = runtime_kind_parse(kind, &k, reterr);
		if (rc < 0)
			(void)snprintf(reterr->at, sizeof reterr->at, "kind");
	}
	if (rc == 0 && path[0] != '/')
		rc = err_set(reterr, EINVAL, "path", "must begin with /");
	if (rc == 0 && add_runtime(c, k, path) < 0)
		rc = out_of_memory(reterr);
	return rc;
}

static void read_runtimes(struct fields *f, struct config *c)
{
	const json_t *list, *v;
	size_t i;

	if (!field_array(f, "runtimes", FIELD_MAY, RUNTIMES_MAX, &list))
		return;
	runtimes_done(c);
	json_array_foreach (list, i, v) {
		char at[32];
		int rc = f->rc < 0 ? f->rc : read_runtime(v, c, f->reterr);

		if (rc < 0 && f->rc == 0) {
			f->rc = rc;
			(void)snprintf(at, sizeof at, "runtimes[%zu]", i);
			err_prefix(f->reterr, at);
		}
	}
}

static void read_guard(struct fields *whole, struct config *c)
{
	static const char *const on_new[] = { "auto", "hold", "pass" };
	static const char *const failure[] = { "closed", "open" };
	static const char *const watch[] = { "tap", "inline" };
	static const char *const splice[] = { "off", "auto" };
	unsigned n = c->on_new, fail = c->on_failure, w = c->watch_inline,
		 splices = c->splice;
	struct fields f;

	if (!field_part(whole, "guard", &f))
		return;
	read_patterns(&f, "links", &c->links);
	read_patterns(&f, "exclude", &c->exclude);
	field_word(&f, "on_new", on_new, 3, &n);
	(void)field_u32(&f, "claim_ms", FIELD_MAY, 0, 600000, &c->claim_ms);
	(void)field_bool(&f, "only_ip", FIELD_MAY, &c->only_ip);
	field_word(&f, "on_failure", failure, 2, &fail);
	field_word(&f, "watch", watch, 2, &w);
	field_word(&f, "splice", splice, 2, &splices);
	c->on_new = (enum config_on_new)n;
	c->on_failure = (enum inplace_failure)fail;
	c->watch_inline = w;
	c->splice = splices;
	field_part_close(whole, "guard", &f);
}

static void read_plane(struct fields *whole, struct config *c)
{
	struct fields f;

	if (!field_part(whole, "data_plane", &f))
		return;
	read_text(&f, "program", &c->program);
	read_text(&f, "socket", &c->plane_door);
	(void)field_bool(&f, "managed", FIELD_MAY, &c->plane_managed);
	(void)field_u32(&f, "workers", FIELD_MAY, 1, WORKERS_MAX, &c->workers);
	field_part_close(whole, "data_plane", &f);
}

static void read_store(struct fields *whole, struct config *c)
{
	struct fields f;

	if (!field_part(whole, "store", &f))
		return;
	read_text(&f, "dir", &c->store_dir);
	(void)field_u32(&f, "flows_days", FIELD_MAY, 1, 3650, &c->flows_days);
	(void)field_u32(&f, "events_days", FIELD_MAY, 1, 3650, &c->events_days);
	(void)field_u32(&f, "max_mb", FIELD_MAY, 16, 1 << 20, &c->store_max_mb);
	field_part_close(whole, "store", &f);
}

static void read_modes(struct fields *whole, struct config *c)
{
	static const char *const modes[] = { "discover", "monitor", "protect" };
	unsigned mode = c->default_mode;
	struct fields f;

	if (!field_part(whole, "modes", &f))
		return;
	field_word(&f, "default", modes, 3, &mode);
	c->default_mode = (enum intent_mode)mode;
	field_part_close(whole, "modes", &f);
}

static void read_servers(struct fields *f, struct config_cluster *k)
{
	const json_t *list, *v;
	size_t i;

	if (!field_array(f, "servers", FIELD_MUST, FLEET_SERVERS_MAX, &list))
		return;
	servers_done(k);
	json_array_foreach (list, i, v) {
		const char *text = json_string_value(v);

		if (!text || !text[0]) {
			fields_refuse(f, "servers",
				      "must be a list of texts, as "
				      "tls://host:4222");
			return;
		}
		k->servers[k->n_servers] = strdup(text);
		if (!k->servers[k->n_servers]) {
			f->rc = out_of_memory(f->reterr);
			return;
		}
		k->n_servers++;
	}
}

static void read_cluster(struct fields *whole, struct config *c)
{
	struct config_cluster *k = &c->cluster;
	struct fields f;

	if (!field_part(whole, "cluster", &f))
		return;
	read_text(&f, "name", &k->name);
	read_servers(&f, k);
	read_text(&f, "ca", &k->ca);
	read_text(&f, "cert", &k->cert);
	read_text(&f, "key", &k->key);
	(void)field_u32(&f, "replicas", FIELD_MAY, 1, 5, &k->replicas);
	(void)field_u32(&f, "events_days", FIELD_MAY, 1, 3650, &k->events_days);
	(void)field_u32(&f, "events_mb", FIELD_MAY, 1, 1 << 20, &k->events_mb);
	(void)field_u32(&f, "flows_days", FIELD_MAY, 1, 3650, &k->flows_days);
	(void)field_u32(&f, "flows_mb", FIELD_MAY, 1, 1 << 20, &k->flows_mb);
	field_part_close(whole, "cluster", &f);
}

static void read_rest(struct fields *whole, struct config *c)
{
	struct fields f;

	if (field_part(whole, "learn", &f)) {
		(void)field_bool(&f, "auto_accept", FIELD_MAY, &c->auto_accept);
		field_part_close(whole, "learn", &f);
	}
	if (field_part(whole, "rules", &f)) {
		(void)field_bool(&f, "builtin", FIELD_MAY, &c->rules_builtin);
		read_text(&f, "path", &c->rules_path);
		field_part_close(whole, "rules", &f);
	}
	if (field_part(whole, "control", &f)) {
		read_text(&f, "socket", &c->door);
		read_text(&f, "group", &c->door_group);
		read_text(&f, "api_user", &c->api_user);
		read_text(&f, "export_user", &c->export_user);
		field_part_close(whole, "control", &f);
	}
	read_text(whole, "node", &c->node);
}

/* "https://[fd00::1]:443", of what every pod is told. */
static char *server_of_pod(void)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	bool v6 = host && strchr(host, ':');
	char url[512];
	int n;

	if (!host || !host[0])
		return NULL;
	n = snprintf(url, sizeof url, "https://%s%s%s:%s", v6 ? "[" : "", host,
		     v6 ? "]" : "", port && port[0] ? port : "443");
	return n < (int)sizeof url ? strdup(url) : NULL;
}

/* Where kubelet puts what a pod needs to ask the API server. */
#define IN_POD "/var/run/secrets/kubernetes.io/serviceaccount/"

static void set_default(char **text, char *value)
{
	if (*text)
		free(value);
	else
		*text = value;
}

static void check_server(struct fields *f, const char *server)
{
	if (!server)
		fields_refuse(f, "server",
			      "expected: this is no pod, so it is not known");
	/* a token is sent to it */
	else if (strncmp(server, "https://", 8) != 0 || !server[8] ||
		 strpbrk(server + 8, "/?#@ "))
		fields_refuse(f, "server",
			      "expected \"https://HOST\" or "
			      "\"https://HOST:PORT\"");
}

static void read_kubernetes(struct fields *whole, struct config *c)
{
	static const char *const pods[] = { "cluster", "node" };
	struct config_kubernetes *k = &c->kubernetes;
	const char *name = getenv("NODE_NAME");
	unsigned only = 0;
	struct fields f;

	if (!field_part(whole, "kubernetes", &f))
		return;
	k->on = true;
	read_text(&f, "server", &k->server);
	read_text(&f, "token_file", &k->token_file);
	read_text(&f, "ca_file", &k->ca_file);
	field_word(&f, "pods", pods, 2, &only);
	k->all_pods = only == 0;
	set_default(&k->server, server_of_pod());
	set_default(&k->token_file, strdup(IN_POD "token"));
	set_default(&k->ca_file, strdup(IN_POD "ca.crt"));
	check_server(&f, k->server);
	field_part_close(whole, "kubernetes", &f);
	/* what `node` says goes before it */
	if (name && name[0] && !json_object_get(whole->obj, "node")) {
		free(c->node);
		c->node = strdup(name);
	}
	if ((!c->node || !k->token_file || !k->ca_file) && whole->rc == 0)
		whole->rc = out_of_memory(whole->reterr);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool config_kubernetes_same(const struct config_kubernetes *a,
			    const struct config_kubernetes *b)
{
	return a->on == b->on && a->all_pods == b->all_pods &&
	       same_text(a->server, b->server) &&
	       same_text(a->token_file, b->token_file) &&
	       same_text(a->ca_file, b->ca_file);
}

static int read_value(const json_t *v, void *arg, struct err *reterr)
{
	struct config *c = arg;
	struct fields f;

	if (json_is_null(v)) /* an empty file says nothing */
		return 0;
	f = fields_open(v, true, reterr);
	read_runtimes(&f, c);
	read_guard(&f, c);
	read_modes(&f, c);
	read_plane(&f, c);
	read_store(&f, c);
	read_cluster(&f, c);
	read_rest(&f, c);
	read_kubernetes(&f, c);
	return fields_close(&f);
}

int config_read(const char *path, struct config *ret, struct err *reterr)
{
	struct config c;
	size_t len = 0;
	char *text = file_load(path, CONFIG_BYTES_MAX, &len, reterr);
	int rc;

	if (!text)
		return -reterr->code;
	rc = config_init(&c, reterr);
	if (rc == 0)
		rc = yaml_text_read_one(text, len, path, read_value, &c,
					reterr);
	free(text);
	if (rc < 0)
		config_done(&c);
	else
		*ret = c;
	return rc;
}

int config_read_if(const char *path, bool must, struct config *ret,
		   struct err *reterr)
{
	int rc = config_read(path, ret, reterr);

	return rc == -ENOENT && !must ? config_init(ret, reterr) : rc;
}
