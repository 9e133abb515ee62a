/*
 * Which process or path has a pod's network, CRI itself does not say. containerd
 * and CRI-O both do in "info", JSON that is theirs: "pid", which CRI-O leaves 0
 * for pods without a process of their own, and the runtime's spec with the path.
 */
#include "runtime/cri_read.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "runtime/about.h"
#include "runtime/cri.pb-c.h"
#include "runtime/unpack.h"

#define POD_READY 0

json_t *cri_read_pods(const uint8_t *m, size_t len, struct err *reterr)
{
	Cri__ListPodsAnswer *l = unpack_message(
		&cri__list_pods_answer__descriptor, m, len, reterr);
	json_t *pods = l ? json_object() : NULL;

	for (size_t i = 0; l && i < l->n_items; i++)
		if (l->items[i]->state == POD_READY &&
		    about_id_ok(l->items[i]->id))
			(void)json_object_set_new(
				pods, l->items[i]->id,
				json_integer(l->items[i]->created_at | 1));
	unpack_free(l);
	return pods;
}

static void read_info(const char *text, struct container *ret)
{
	json_t *v = json_loads(text, 0, NULL);
	json_int_t pid = json_integer_value(json_object_get(v, "pid"));

	if (pid > 0 && pid <= INT_MAX)
		ret->pid = (pid_t)pid;
	container_set_netns(ret,
			    about_netns_of(json_object_get(v, "runtimeSpec")));
	json_decref(v);
}

static json_t *read_about(const Cri__PodStatus *s)
{
	json_t *about = json_object();

	for (size_t i = 0; i < s->n_labels; i++)
		about_label(about, s->labels[i]->key, s->labels[i]->value);
	if (s->metadata) {
		about_label(about, "io.kubernetes.pod.name", s->metadata->name);
		about_label(about, "io.kubernetes.pod.namespace",
			    s->metadata->namespace_);
	}
	about_place(about, s->id);
	about_text(about, "state", "running");
	if (s->created_at > 0)
		(void)json_object_set_new(
			about, "started",
			json_integer(s->created_at / 1000000000));
	return about;
}

bool cri_read_pod(const uint8_t *m, size_t len, struct container *ret,
		  struct err *reterr)
{
	Cri__PodStatusAnswer *a = unpack_message(
		&cri__pod_status_answer__descriptor, m, len, reterr);
	bool ok = a && a->status;

	*ret = (struct container){ 0 };
	if (a && !a->status)
		(void)err_set(reterr, EBADMSG, NULL,
			      "its answer has no status");
	for (size_t i = 0; ok && i < a->n_info; i++)
		if (strcmp(a->info[i]->key, "info") == 0)
			read_info(a->info[i]->value, ret);
	if (ok) {
		ret->runs = a->status->state == POD_READY;
		ret->about = read_about(a->status);
	}
	unpack_free(a);
	return ok;
}
