#include "export/hook.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "export/eve.h"
#include "wire/words.h"

/* Slack takes these three for marks. */
static void add_escaped(struct text *t, const char *from)
{
	for (; *from; from++)
		switch (*from) {
		case '&': text_add_word(t, "&amp;"); break;
		case '<': text_add_word(t, "&lt;"); break;
		case '>': text_add_word(t, "&gt;"); break;
		default: text_add(t, from, 1); break;
		}
}

static json_t *slack(const struct item *i)
{
	struct text t = { 0 };
	json_t *o = NULL;
	char *text;

	text_addf(&t, "*Weir: %s%s%s*\n", item_kind_name(i->kind),
		  i->severity ? ", " : "", severity_name(i->severity));
	add_escaped(&t, i->text);
	text = text_take(&t);
	/* what is asked for in a log is not to be fetched by who shows it */
	if (text)
		o = json_pack("{s:s, s:b, s:b}", "text", text, "unfurl_links",
			      0, "unfurl_media", 0);
	free(text);
	return o;
}

static json_t *fact(const char *title, const char *value)
{
	return json_pack("{s:s, s:s}", "title", title, "value", value);
}

/* As it is: a TextBlock, or a fact's value, would make links of what stands in it. */
static json_t *plain(const char *text)
{
	return json_pack("{s:s, s:[{s:s, s:s}]}", "type", "RichTextBlock",
			 "inlines", "type", "TextRun", "text", text);
}

/* An adaptive card, which its workflows take. */
static json_t *teams(const struct item *i)
{
	char time[EVE_TIME_MAX];
	json_t *facts = json_array(), *body;

	(void)json_array_append_new(facts,
				    fact("Time", eve_time(i->at_us, time)));
	if (i->severity)
		(void)json_array_append_new(
			facts, fact("Severity", severity_name(i->severity)));
	body = json_pack("[{s:s, s:s+, s:s, s:b}, o, {s:s, s:o}]", "type",
			 "TextBlock", "text", "Weir: ", item_kind_name(i->kind),
			 "weight", "bolder", "wrap", 1, plain(i->text), "type",
			 "FactSet", "facts", facts);
	if (body && i->workload[0])
		(void)json_array_append_new(body, plain(i->workload));
	return json_pack(
		"{s:s, s:[{s:s, s:{s:s, s:s, s:s, s:o}}]}", "type", "message",
		"attachments", "contentType",
		"application/vnd.microsoft.card.adaptive", "content", "$schema",
		"http://adaptivecards.io/schemas/adaptive-card.json", "type",
		"AdaptiveCard", "version", "1.4", "body", body);
}

char *hook_body(enum webhook_shape shape, const struct item *i)
{
	json_t *o;
	char *text;

	if (shape == SHAPE_JSON)
		return strdup(i->json);
	o = shape == SHAPE_SLACK ? slack(i) : teams(i);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	return text;
}
