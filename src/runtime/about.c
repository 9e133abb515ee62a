/*
 * Nobody tells a runtime which deployment a pod belongs to; its name does, as
 * Kubernetes makes it: WORKLOAD-HASH-RANDOM of a deployment, WORKLOAD-RANDOM of
 * a daemon set or job, WORKLOAD-MINUTES-RANDOM of a cron job, WORKLOAD-N of a
 * stateful set. RANDOM is five of the 27 characters that spell no words, HASH a
 * decimal number in ten of these, so a pod with a name of its own is rarely
 * taken for one. A wrong guess names a service oddly, nothing else.
 */
#include "runtime/about.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"

#define RANDOM_CHARS "bcdfghjklmnpqrstvwxz2456789"
#define HASH_CHARS   "456789bcdf"
#define DIGITS	     "0123456789"
#define ID_CHARS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "_.-"

bool about_id_ok(const char *id)
{
	size_t len = strlen(id);

	return len > 0 && len < RUNTIME_ID_MAX && id[0] != '.' &&
	       strspn(id, ID_CHARS) == len;
}

void about_text(json_t *about, const char *key, const char *text)
{
	char buf[RUNTIME_NAME_MAX];
	size_t len;

	if (!text || !text[0])
		return;
	text = utf8_text(text, buf, sizeof buf); /* cut, if it was none */
	len = strlen(text);
	if (len >= RUNTIME_NAME_MAX) {
		len = RUNTIME_NAME_MAX - 1;
		/* not within a character */
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	(void)json_object_set_new(about, key, json_stringn(text, len));
}

void about_label(json_t *about, const char *name, const char *value)
{
	json_t *labels = json_object_get(about, "labels");

	if (!labels) {
		labels = json_object();
		(void)json_object_set_new(about, "labels", labels);
	}
	if (strlen(name) + strlen(value) > RUNTIME_LABEL_MAX)
		return;
	if (json_object_size(labels) >= RUNTIME_LABELS_MAX) {
		json_int_t n = json_integer_value(
			json_object_get(about, "labels_left_out"));

		(void)json_object_set_new(about, "labels_left_out",
					  json_integer(n + 1));
		return;
	}
	(void)json_object_set_new(labels, name, json_string(value));
}

/* Kept in order, so that the same ports make the same text. */
static void insert_port(json_t *ports, const char *text)
{
	size_t i = 0;

	while (i < json_array_size(ports)) {
		int order = strcmp(json_string_value(json_array_get(ports, i)),
				   text);

		if (order == 0)
			return;
		if (order > 0)
			break;
		i++;
	}
	if (json_array_size(ports) < RUNTIME_PORTS_MAX)
		(void)json_array_insert_new(ports, i, json_string(text));
}

void about_port(json_t *about, const char *port)
{
	static const char *const protos[] = { "/tcp", "/udp", "/sctp" };
	json_t *ports = json_object_get(about, "ports");
	char *end, text[sizeof "sctp/65535"];
	unsigned long n = strtoul(port, &end, 10);

	if (port[0] < '0' || port[0] > '9' || n == 0 || n > 65535)
		return;
	for (size_t i = 0; i < sizeof protos / sizeof *protos; i++) {
		if (strcmp(end, protos[i]) != 0)
			continue;
		if (!ports) {
			ports = json_array();
			(void)json_object_set_new(about, "ports", ports);
		}
		(void)snprintf(text, sizeof text, "%s/%lu", protos[i] + 1, n);
		insert_port(ports, text);
	}
}

/*
 * Is the last part of a name, behind its last '-', from min to max of these
 * characters? Then the name is cut before it.
 */
static bool cut_part(char *name, size_t min, size_t max, const char *chars)
{
	char *dash = strrchr(name, '-');
	size_t len = dash ? strlen(dash + 1) : 0;

	if (!dash || dash == name || len < min || len > max ||
	    strspn(dash + 1, chars) != len)
		return false;
	*dash = '\0';
	return true;
}

void about_workload_of(const char *pod, char ret[RUNTIME_NAME_MAX])
{
	(void)snprintf(ret, RUNTIME_NAME_MAX, "%s", pod);
	if (cut_part(ret, 5, 5, RANDOM_CHARS)) {
		if (!cut_part(ret, 7, 10, HASH_CHARS))
			(void)cut_part(ret, 8, 8, DIGITS);
		return;
	}
	(void)cut_part(ret, 1, 4, DIGITS);
}

static const char *first_of(const json_t *labels, const char *const *names)
{
	const char *v = NULL;

	for (; *names && (!v || *v == '\0'); names++)
		v = json_string_value(json_object_get(labels, *names));
	return v && *v ? v : NULL;
}

static const char *const pod_names[] = { "io.kubernetes.pod.name", NULL };
static const char *const kube_namespaces[] = { "io.kubernetes.pod.namespace",
					       NULL };
static const char *const kube_names[] = { "io.kubernetes.container.name",
					  NULL };
static const char *const other_names[] = { "nerdctl/name", NULL };
static const char *const projects[] = { "com.docker.compose.project",
					"io.podman.compose.project",
					"com.docker.stack.namespace", NULL };
static const char *const services[] = { "com.docker.compose.service",
					"io.podman.compose.service",
					"com.docker.swarm.service.name", NULL };

void about_place(json_t *about, const char *own_name)
{
	const json_t *labels = json_object_get(about, "labels");
	const char *pod = first_of(labels, pod_names);
	const char *service = first_of(labels, services);
	const char *name = first_of(labels, other_names);
	char workload[RUNTIME_NAME_MAX];

	if (pod) {
		name = first_of(labels, kube_names);
		if (!name) /* the sandbox of a pod */
			name = pod;
		about_workload_of(pod, workload);
		service = workload;
		about_text(about, "pod", pod);
		about_text(about, "namespace",
			   first_of(labels, kube_namespaces));
	} else {
		about_text(about, "namespace", first_of(labels, projects));
	}
	if (!name)
		name = own_name;
	about_text(about, "name", name);
	about_text(about, "service", service ? service : name);
}

long long about_time(const char *text)
{
	struct tm t = { 0 };
	const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &t);
	long offset_s = 0;
	int hours, minutes;
	char sign;
	time_t at;

	if (!p || t.tm_year < 70 || t.tm_year > 1100)
		return 0;
	if (*p == '.')
		p += 1 + strspn(p + 1, DIGITS);
	/* NOLINTNEXTLINE(cert-err34-c): two digits cannot overflow */
	if (sscanf(p, "%c%2d:%2d", &sign, &hours, &minutes) == 3 &&
	    (sign == '+' || sign == '-'))
		offset_s = (sign == '-' ? -1 : 1) *
			   (hours * 3600L + minutes * 60L);
	else if (*p != 'Z')
		return 0;
	at = timegm(&t);
	return at < offset_s ? 0 : (long long)at - offset_s;
}

const char *about_netns_of(const json_t *spec)
{
	json_t *all =
		json_object_get(json_object_get(spec, "linux"), "namespaces");
	json_t *one;
	size_t i;

	json_array_foreach (all, i, one) {
		const char *type =
			json_string_value(json_object_get(one, "type"));

		if (type && strcmp(type, "network") == 0)
			return json_string_value(json_object_get(one, "path"));
	}
	return NULL;
}
