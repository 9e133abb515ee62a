/*
 * Each function unpacks one kind of message (containerd.proto), takes what it
 * needs and lets go of it. What is missing in a message is empty, as protobuf
 * has it.
 */
#include "runtime/containerd_read.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "runtime/about.h"
#include "runtime/containerd.pb-c.h"
#include "runtime/unpack.h"

/* containerd.v1.types.Status */
enum {
	TASK_RUNNING = 2,
	TASK_PAUSED = 4,
	TASK_PAUSING = 5,
};

static bool make_id(const char *namespace, const char *id,
		    char ret[RUNTIME_ID_MAX])
{
	int n;

	if (!about_id_ok(namespace) || !about_id_ok(id))
		return false;
	n = snprintf(ret, RUNTIME_ID_MAX, "%s/%s", namespace, id);
	return n > 0 && n < RUNTIME_ID_MAX;
}

const char *containerd_split_id(const char *id,
				char ret_namespace[RUNTIME_ID_MAX])
{
	const char *slash = strchr(id, '/');

	BUG_ON(!slash);
	memcpy(ret_namespace, id, (size_t)(slash - id));
	ret_namespace[slash - id] = '\0';
	return slash + 1;
}

json_t *containerd_read_namespaces(const uint8_t *m, size_t len,
				   struct err *reterr)
{
	Ctrd__NamespaceList *l = unpack_message(
		&ctrd__namespace_list__descriptor, m, len, reterr);
	json_t *names = l ? json_array() : NULL;

	for (size_t i = 0; l && i < l->n_namespaces; i++)
		if (about_id_ok(l->namespaces[i]->name))
			(void)json_array_append_new(
				names, json_string(l->namespaces[i]->name));
	unpack_free(l);
	return names;
}

static const char *state_of(const Ctrd__Process *p)
{
	if (!p || p->pid == 0 || p->pid > INT_MAX)
		return NULL;
	switch (p->status) {
	case TASK_RUNNING: return "running";
	case TASK_PAUSED:
	case TASK_PAUSING: return "paused";
	default: return NULL;
	}
}

json_t *containerd_read_tasks(const uint8_t *m, size_t len,
			      const char *namespace, struct err *reterr)
{
	Ctrd__TaskList *l =
		unpack_message(&ctrd__task_list__descriptor, m, len, reterr);
	json_t *tasks = l ? json_object() : NULL;
	char id[RUNTIME_ID_MAX];

	for (size_t i = 0; l && i < l->n_tasks; i++) {
		const Ctrd__Process *p = l->tasks[i];

		if (state_of(p) && make_id(namespace, p->id, id))
			(void)json_object_set_new(
				tasks, id,
				json_integer((json_int_t)p->pid << 3 |
					     (p->status & 7)));
	}
	unpack_free(l);
	return tasks;
}

bool containerd_read_task(const uint8_t *m, size_t len, struct container *ret,
			  const char **ret_state, struct err *reterr)
{
	Ctrd__TaskAnswer *a =
		unpack_message(&ctrd__task_answer__descriptor, m, len, reterr);

	if (!a)
		return false;
	*ret_state = state_of(a->process);
	*ret = (struct container){ .runs = *ret_state != NULL };
	if (ret->runs)
		ret->pid = (pid_t)a->process->pid;
	unpack_free(a);
	return true;
}

/*
 * What the CRI plugin knows of the pod stands in the spec, whoever asked for
 * the container: told by the labels that the kubelet sets.
 */
static void read_annotations(json_t *about, const json_t *spec)
{
	static const char *const names[][2] = {
		{ "io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name" },
		{ "io.kubernetes.cri.sandbox-namespace",
		  "io.kubernetes.pod.namespace" },
		{ "io.kubernetes.cri.container-name",
		  "io.kubernetes.container.name" },
	};
	const json_t *annotations = json_object_get(spec, "annotations");

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *text = json_string_value(
			json_object_get(annotations, names[i][0]));

		if (text && !json_object_get(json_object_get(about, "labels"),
					     names[i][1]))
			about_label(about, names[i][1], text);
	}
}

static json_t *load_spec(const Ctrd__Any *any)
{
	return any ? json_loadb((const char *)any->value.data, any->value.len,
				0, NULL)
		   : NULL;
}

bool containerd_read_container(const uint8_t *m, size_t len, const char *id,
			       struct container *ret, struct err *reterr)
{
	Ctrd__ContainerAnswer *a = unpack_message(
		&ctrd__container_answer__descriptor, m, len, reterr);
	const Ctrd__Container *c = a ? a->container : NULL;
	char namespace[RUNTIME_ID_MAX];
	const char *name = containerd_split_id(id, namespace);
	json_t *spec;

	if (!c) {
		if (a)
			(void)err_set(reterr, EBADMSG, NULL,
				      "its answer has no container");
		unpack_free(a);
		return false;
	}
	spec = load_spec(c->spec);
	ret->about = json_object();
	for (size_t i = 0; i < c->n_labels; i++)
		about_label(ret->about, c->labels[i]->key, c->labels[i]->value);
	read_annotations(ret->about, spec);
	about_place(ret->about, name);
	about_text(ret->about, "image", c->image);
	about_text(ret->about, "containerd_namespace", namespace);
	container_set_netns(ret, about_netns_of(spec));
	json_decref(spec);
	unpack_free(a);
	return true;
}

/* The container's id; false: it is another process's, or no event. */
static bool read_exit(const Ctrd__Any *event, bool *ret_exec)
{
	Ctrd__TaskExit *e = unpack_message(&ctrd__task_exit__descriptor,
					   event->value.data, event->value.len,
					   NULL);

	*ret_exec = e && strcmp(e->id, e->container_id) != 0;
	unpack_free(e);
	return e != NULL;
}

static enum containerd_event read_inner(const Ctrd__Envelope *e,
					char ret_id[RUNTIME_ID_MAX])
{
	Ctrd__ContainerEvent *c;
	bool exec = false, ok;

	if (!e->event || (strcmp(e->topic, "/tasks/exit") == 0 &&
			  !read_exit(e->event, &exec)))
		return CONTAINERD_EVENT_BAD;
	if (exec)
		return CONTAINERD_EVENT_NONE;
	c = unpack_message(&ctrd__container_event__descriptor,
			   e->event->value.data, e->event->value.len, NULL);
	ok = c && make_id(e->namespace_, c->container_id, ret_id);
	unpack_free(c);
	return ok ? CONTAINERD_EVENT_LOOK : CONTAINERD_EVENT_BAD;
}

static bool matters(const char *topic)
{
	static const char *const those[] = {
		"/tasks/start",	 "/tasks/exit",	   "/tasks/delete",
		"/tasks/paused", "/tasks/resumed", "/containers/update",
	};

	for (size_t i = 0; i < sizeof those / sizeof *those; i++)
		if (strcmp(topic, those[i]) == 0)
			return true;
	return false;
}

enum containerd_event containerd_read_event(const uint8_t *m, size_t len,
					    char ret_id[RUNTIME_ID_MAX])
{
	Ctrd__Envelope *e =
		unpack_message(&ctrd__envelope__descriptor, m, len, NULL);
	enum containerd_event found = CONTAINERD_EVENT_NONE;

	if (!e)
		return CONTAINERD_EVENT_BAD;
	if (matters(e->topic))
		found = read_inner(e, ret_id);
	unpack_free(e);
	return found;
}
