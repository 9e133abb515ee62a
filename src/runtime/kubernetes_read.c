#include "runtime/kubernetes_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "runtime/about.h"
#include "wire/member.h"

#define NAMESPACE_NAME "kubernetes.io/metadata.name"
#define NAME_CHARS     "abcdefghijklmnopqrstuvwxyz0123456789-."

static const json_t *part(const json_t *o, const char *member)
{
	return json_object_get(o, member);
}

static bool name_ok(const char *name, size_t max)
{
	size_t len = strlen(name);

	return len > 0 && len <= max && strspn(name, NAME_CHARS) == len;
}

void kube_object_done(struct kube_object *o)
{
	json_decref(o->about);
	o->about = NULL;
}

static void copy_version(char ret[static KUBE_VERSION_MAX], const json_t *meta)
{
	const char *v = member_text(meta, "resourceVersion");

	/* opaque, but for that it goes into a path */
	if (strlen(v) < KUBE_VERSION_MAX && strspn(v, NAME_CHARS) == strlen(v))
		(void)snprintf(ret, KUBE_VERSION_MAX, "%s", v);
	else
		ret[0] = '\0';
}

/* --- a pod ------------------------------------------------------------ */

static void add_labels(json_t *about, const json_t *labels)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)labels, key, v)
		if (json_is_string(v))
			about_label(about, key, json_string_value(v));
}

static void add_port(json_t *ports, const json_t *port)
{
	static const char *const protos[][2] = { { "TCP", "tcp" },
						 { "UDP", "udp" },
						 { "SCTP", "sctp" } };
	const char *proto = member_text(port, "protocol");
	const char *name = member_text(port, "name");
	json_t *number = json_object_get(port, "containerPort");
	char key[KUBE_PORT_NAME_MAX + 8];

	if (!name[0] || strlen(name) >= KUBE_PORT_NAME_MAX ||
	    strspn(name, NAME_CHARS) != strlen(name) ||
	    json_object_size(ports) >= KUBE_PORTS_MAX ||
	    json_integer_value(number) < 1 ||
	    json_integer_value(number) > UINT16_MAX)
		return;
	for (size_t k = 0; k < sizeof protos / sizeof *protos; k++) {
		if (strcmp(proto[0] ? proto : "TCP", protos[k][0]) != 0)
			continue;
		(void)snprintf(key, sizeof key, "%s/%s", protos[k][1], name);
		/* of several containers the first */
		if (!json_object_get(ports, key))
			(void)json_object_set(ports, key, number);
	}
}

static void add_ports(json_t *ports, const json_t *containers)
{
	json_t *one, *port;
	size_t c, n;

	json_array_foreach (containers, c, one)
		json_array_foreach (part(one, "ports"), n, port)
			add_port(ports, port);
}

static void add_addr(json_t *addrs, const char *text)
{
	struct ip_addr a;

	for (size_t k = 0; k < json_array_size(addrs); k++)
		if (strcmp(json_string_value(json_array_get(addrs, k)), text) ==
		    0)
			return;
	if (json_array_size(addrs) < KUBE_ADDRS_MAX && ip_parse(text, &a) == 0)
		(void)json_array_append_new(addrs, json_string(text));
}

static void add_addrs(json_t *addrs, const json_t *status)
{
	json_t *one;
	size_t n;

	add_addr(addrs, member_text(status, "podIP"));
	json_array_foreach (part(status, "podIPs"), n, one)
		add_addr(addrs, member_text(one, "ip"));
}

/* "ReplicaSet/web-6d4cf56db6" */
static void add_owner(json_t *about, const json_t *owners)
{
	char text[RUNTIME_NAME_MAX];
	json_t *one;
	size_t n;

	json_array_foreach (owners, n, one) {
		if (!json_is_true(part(one, "controller")) ||
		    snprintf(text, sizeof text, "%s/%s",
			     member_text(one, "kind"),
			     member_text(one, "name")) >= (int)sizeof text)
			continue;
		about_text(about, "owner", text);
	}
}

/* Takes v, unless it is empty. */
static void set_some(json_t *about, const char *key, json_t *v)
{
	if (json_object_size(v) + json_array_size(v) > 0)
		(void)json_object_set_new(about, key, v);
	else
		json_decref(v);
}

/* false: it has ended, and its addresses may be another's. */
static bool read_pod(const json_t *v, json_t *about)
{
	const json_t *spec = part(v, "spec"), *status = part(v, "status");
	const char *phase = member_text(status, "phase");
	json_t *ports = json_object(), *addrs = json_array();

	add_ports(ports, part(spec, "containers"));
	add_ports(ports, part(spec, "initContainers"));
	add_addrs(addrs, status);
	set_some(about, "named_ports", ports);
	set_some(about, "addrs", addrs);
	add_labels(about, part(part(v, "metadata"), "labels"));
	add_owner(about, part(part(v, "metadata"), "ownerReferences"));
	about_text(about, "node", member_text(spec, "nodeName"));
	if (json_is_true(part(spec, "hostNetwork")))
		(void)json_object_set_new(about, "host_network", json_true());
	return strcmp(phase, "Succeeded") != 0 && strcmp(phase, "Failed") != 0;
}

/* --- any object ------------------------------------------------------- */

static int bad(struct err *reterr, const char *what)
{
	return err_set(reterr, EBADMSG, NULL, "%s", what);
}

int kube_read_object(enum kube_kind kind, const json_t *v,
		     struct kube_object *ret, struct err *reterr)
{
	const json_t *meta = part(v, "metadata");
	const char *uid = member_text(meta, "uid"),
		   *name = member_text(meta, "name");
	const char *space = member_text(meta, "namespace");
	bool is_there = true;

	*ret = (struct kube_object){ .about = NULL };
	copy_version(ret->version, meta);
	if (!about_id_ok(uid))
		return bad(reterr, "it has an object without uid");
	(void)snprintf(ret->uid, sizeof ret->uid, "%s", uid);
	if (!name_ok(name, 253) ||
	    (kind != KUBE_NAMESPACES && !name_ok(space, 63)))
		return bad(reterr, "it has an object without name");
	ret->about = json_pack("{s:s}", "name", name);
	if (kind != KUBE_NAMESPACES)
		about_text(ret->about, "namespace", space);
	switch (kind) {
	case KUBE_NAMESPACES:
		about_label(ret->about, NAMESPACE_NAME, name);
		add_labels(ret->about, part(meta, "labels"));
		break;
	case KUBE_PODS:
		about_text(ret->about, "uid", uid);
		is_there = read_pod(v, ret->about);
		break;
	case KUBE_POLICIES:
		(void)json_object_set(ret->about, "spec",
				      (json_t *)(uintptr_t)part(v, "spec"));
		break;
	case KUBE_KIND__MAX: break;
	}
	if (!is_there)
		kube_object_done(ret);
	return 0;
}

int kube_read_page(const char *text, size_t len, struct kube_page *ret,
		   struct err *reterr)
{
	struct kube_page p = { .whole = json_loadb(text, len, 0, NULL) };
	const json_t *meta = part(p.whole, "metadata");
	const char *more = member_text(meta, "continue");

	p.items = part(p.whole, "items");
	copy_version(p.version, meta);
	/* null, of Go: none */
	if (!p.whole || !p.version[0] ||
	    !(json_is_array(p.items) || json_is_null(p.items))) {
		json_decref(p.whole);
		return bad(reterr, "its list is none");
	}
	p.more = more[0] ? more : NULL;
	*ret = p;
	return 0;
}

void kube_page_done(struct kube_page *p)
{
	json_decref(p->whole);
	*p = (struct kube_page){ .whole = NULL };
}

/* --- a watch ---------------------------------------------------------- */

static enum kube_event failed(const json_t *status, struct err *reterr)
{
	json_int_t code = json_integer_value(part(status, "code"));

	(void)err_set(reterr, EPROTO, NULL, "its watch fails: %.160s",
		      member_text(status, "message"));
	return code == 410 || strcmp(member_text(status, "reason"),
				     "Expired") == 0
		       ? KUBE_EVENT_EXPIRED
		       : KUBE_EVENT_FAILED;
}

enum kube_event kube_read_event(enum kube_kind kind, const char *line,
				size_t len, struct kube_object *ret,
				struct err *reterr)
{
	json_t *v = json_loadb(line, len, 0, NULL);
	const json_t *object = part(v, "object");
	const char *type = member_text(v, "type");
	enum kube_event e = KUBE_EVENT_SET;

	*ret = (struct kube_object){ .about = NULL };
	if (strcmp(type, "ERROR") == 0) {
		e = failed(object, reterr);
	} else if (strcmp(type, "BOOKMARK") == 0) {
		copy_version(ret->version, part(object, "metadata"));
		e = KUBE_EVENT_BOOKMARK;
	} else if (strcmp(type, "ADDED") != 0 &&
		   strcmp(type, "MODIFIED") != 0 &&
		   strcmp(type, "DELETED") != 0) {
		(void)bad(reterr, "what it sends are no events");
		e = KUBE_EVENT_BAD;
	} else if (kube_read_object(kind, object, ret, reterr) < 0) {
		e = KUBE_EVENT_BAD;
	} else if (strcmp(type, "DELETED") == 0) {
		kube_object_done(ret);
	}
	json_decref(v);
	return e;
}

long kube_split(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	if (end)
		return end - text + 1;
	return len > KUBE_OBJECT_BYTES_MAX ? -1 : 0;
}
