#include "export/who.h"

#include <stdlib.h>

#include "base/limits_export.h"

struct who {
	json_t *by_id;
};

struct who *who_new(void)
{
	struct who *w = calloc(1, sizeof *w);

	if (w)
		w->by_id = json_object();
	if (w && w->by_id)
		return w;
	free(w);
	return NULL;
}

void who_free(struct who *w)
{
	if (!w)
		return;
	json_decref(w->by_id);
	free(w);
}

void who_set(struct who *w, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "workloads"), *v;
	json_t *next = json_object();
	size_t i;

	json_array_foreach (list, i, v) {
		const char *id = json_string_value(json_object_get(v, "id"));
		json_t *about;

		if (!id || json_object_size(next) >= EXPORT_WORKLOADS_MAX)
			continue;
		about = json_pack("{s:O?, s:O?, s:O?}", "name",
				  json_object_get(v, "name"), "groups",
				  json_object_get(v, "groups"), "mode",
				  json_object_get(v, "mode"));
		(void)json_object_set_new(next, id, about);
	}
	if (!next)
		return;
	json_decref(w->by_id);
	w->by_id = next;
}

const json_t *who_find(const struct who *w, const char *id)
{
	return id[0] ? json_object_get(w->by_id, id) : NULL;
}
