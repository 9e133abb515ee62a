/*
 * What weir-export reads: any JSON as an event and as a record of the trail, whose
 * lines must be one line of JSON each, and messages of syslog without a control
 * character, and nothing that a terminal obeys; and any text as its configuration.
 */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/utf8.h"
#include "export/config.h"
#include "export/eve.h"
#include "export/hook.h"
#include "export/syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_body(enum webhook_shape shape, const struct item *i)
{
	char *body = hook_body(shape, i);
	json_t *o;

	BUG_ON(!body);
	o = json_loads(body, 0, NULL);
	BUG_ON(!o);
	json_decref(o);
	free(body);
}

/* Nothing in it that a terminal would obey. */
static void check_visible(const char *s)
{
	unsigned c;

	for (; *s; s++)
		BUG_ON(utf8_hidden(s, &c));
}

static void check_line(struct item *i)
{
	struct syslog_from from = { .facility = 16, .host = "h", .pid = 1 };
	struct text t = { 0 };
	json_t *o;

	if (!i)
		return;
	o = json_loadb(i->json, i->json_len, 0, NULL);
	BUG_ON(!json_is_string(json_object_get(o, "event_type")) ||
	       !json_is_object(json_object_get(o, "weir")));
	json_decref(o);
	BUG_ON(i->json_len != strlen(i->json));
	check_visible(i->json);
	check_visible(i->text);
	check_visible(i->workload);
	for (int as_text = 0; as_text < 2; as_text++) {
		from.as_text = as_text;
		t.len = 0;
		syslog_frame(&t, &from, i, 1);
		for (size_t k = 0; k < t.len; k++)
			BUG_ON((unsigned char)t.at[k] < ' ');
	}
	text_done(&t);
	check_body(SHAPE_SLACK, i);
	check_body(SHAPE_TEAMS, i);
	item_put(i);
}

static void as_config(const char *text, size_t len)
{
	struct export_config c;
	struct err err = { 0 };

	if (export_config_parse(text, len, "f", &c, &err) < 0) {
		BUG_ON(err.code == 0);
		return;
	}
	for (size_t i = 0; i < c.n; i++)
		BUG_ON(!c.outputs[i].name || !c.outputs[i].source ||
		       c.outputs[i].buffer.lines <= EXPORT_BATCH_MAX);
	export_config_done(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct eve e = { .host = "h" };
	json_t *o;

	if (len == 0)
		return 0;
	if (data[0] == 'c') {
		/* files of this host are none of a fuzzer's */
		if (!memmem(data, len, "_file", 5))
			as_config((const char *)data + 1, len - 1);
		return 0;
	}
	o = json_loadb((const char *)data + 1, len - 1, 0, NULL);
	check_line(eve_of_event(&e, o));
	check_line(eve_of_trail(&e, o));
	json_decref(o);
	return 0;
}
