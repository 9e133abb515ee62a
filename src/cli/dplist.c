#include "cli/dplist.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire/member.h"

void print_end(char *buf, size_t size, const char *addr, uint64_t port)
{
	bool v6 = strchr(addr, ':') != NULL;

	if (port == 0)
		(void)snprintf(buf, size, "%s", addr);
	else
		(void)snprintf(buf, size, "%s%s%s:%" PRIu64, v6 ? "[" : "",
			       addr, v6 ? "]" : "", port);
}

static void show_workload(const struct out *o, const char *workload,
			  const json_t *records, const struct dplist *list,
			  int indent)
{
	const json_t *r;
	struct table t;
	size_t i;

	table_init(&t, list->cols, list->right);
	for (i = 0; i < list->cols; i++)
		table_add(&t, "%s", list->head[i]);
	json_array_foreach (records, i, r)
		list->add(&t, r);
	printf("%*s%sworkload %s%s\n", indent, "", out_colour(o, OUT_BOLD),
	       workload[0] ? workload : "-", out_colour(o, OUT_PLAIN));
	table_print(&t, indent, out_colour(o, OUT_DIM),
		    out_colour(o, OUT_PLAIN));
	table_done(&t);
}

void dplist_show(const struct out *o, const json_t *answer,
		 const struct dplist *list, int indent)
{
	const json_t *all = json_object_get(answer, list->member);
	json_t *by_workload = json_object(), *of_one;
	const char *workload;
	json_t *r;
	size_t i;

	if (json_array_size(all) == 0)
		printf("%*s%s\n", indent, "", list->none);
	/* what there is no memory for is left out */
	json_array_foreach (all, i, r) {
		workload = member_text(r, "workload");
		of_one = json_object_get(by_workload, workload);
		if (!of_one) {
			of_one = json_array();
			(void)json_object_set_new(by_workload, workload,
						  of_one);
		}
		(void)json_array_append(of_one, r);
	}
	json_object_foreach (by_workload, workload, of_one)
		show_workload(o, workload, of_one, list, indent);
	json_decref(by_workload);
}
