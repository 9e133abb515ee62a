#include "import/objects.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *import_weight_name(enum import_weight w)
{
	static const char *const names[] = { "note", "changed", "lost" };

	_Static_assert(sizeof names / sizeof *names == IMPORT_WEIGHT__MAX,
		       "one each");
	return names[w];
}

void import_result_done(struct import_result *r)
{
	intent_put(r->intent);
	json_decref(r->report);
	*r = (struct import_result){ .intent = NULL };
}

/* --- objects ------------------------------------------------------------ */

static const char *word_of(const json_t *v, const char *name)
{
	const char *text = json_string_value(json_object_get(v, name));

	return text ? text : "";
}

static int add(struct import_objects *o, const json_t *v,
	       const struct yaml_text *text, size_t doc, int item,
	       struct err *reterr)
{
	const json_t *metadata = json_object_get(v, "metadata");
	struct import_object *grown;

	/* by halves, as vectors grow: at powers of two */
	if ((o->n & (o->n - 1)) == 0) {
		grown = realloc(o->at, (o->n ? 2 * o->n : 1) * sizeof *o->at);
		if (!grown)
			return err_set(reterr, ENOMEM, NULL, "out of memory");
		o->at = grown;
	}
	o->at[o->n] = (struct import_object){
		.value = v,
		.kind = word_of(v, "kind"),
		.namespace = word_of(metadata, "namespace"),
		.name = word_of(metadata, "name"),
		.text = text,
		.doc = doc,
	};
	if (item >= 0)
		(void)snprintf(o->at[o->n].prefix, sizeof o->at[o->n].prefix,
			       "items[%d]", item);
	o->n++;
	return 0;
}

static int add_document(struct import_objects *o, const struct yaml_text *text,
			size_t doc, struct err *reterr)
{
	const json_t *v = yaml_text_value(text, doc);
	const json_t *items = json_object_get(v, "items");
	int rc = 0;

	if (json_is_null(v))
		return 0;
	if (!json_is_array(items))
		return add(o, v, text, doc, -1, reterr);
	for (size_t k = 0; k < json_array_size(items) && rc == 0; k++)
		rc = add(o, json_array_get(items, k), text, doc, (int)k,
			 reterr);
	return rc;
}

int import_objects_read(const struct import_file *files, size_t n,
			struct import_objects *ret, struct err *reterr)
{
	struct import_objects o = {
		.texts = calloc(n ? n : 1, sizeof(void *)),
	};
	int rc = 0;

	if (!o.texts)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	for (size_t k = 0; k < n && rc == 0; k++) {
		rc = yaml_text_read(files[k].text, files[k].len, files[k].name,
				    &o.texts[k], reterr);
		if (rc < 0)
			break;
		o.n_texts++;
		for (size_t d = 0; d < yaml_text_count(o.texts[k]) && rc == 0;
		     d++)
			rc = add_document(&o, o.texts[k], d, reterr);
	}
	if (rc < 0)
		import_objects_done(&o);
	else
		*ret = o;
	return rc;
}

void import_objects_done(struct import_objects *o)
{
	for (size_t k = 0; k < o->n_texts; k++)
		yaml_text_free(o->texts[k]);
	free(o->texts);
	free(o->at);
	*o = (struct import_objects){ .n = 0 };
}

/* --- the report --------------------------------------------------------- */

/* "FILE:LINE:COLUMN" of a path in the object. */
static void locate(const struct import_object *o, const char *field,
		   struct err *err)
{
	(void)err_set(err, EINVAL, field, "-");
	if (o->prefix[0])
		err_prefix(err, o->prefix);
	yaml_text_locate(o->text, o->doc, err);
}

/* What was cut may end within a letter: then all that is not ASCII is '?'. */
static json_t *json_of(const char *text)
{
	char plain[2 * ERR_AT_MAX > ERR_TEXT_MAX ? 2 * ERR_AT_MAX
						 : ERR_TEXT_MAX];
	json_t *v = json_string(text);
	size_t n = 0;

	if (v)
		return v;
	for (; text[n] && n + 1 < sizeof plain; n++)
		plain[n] = (unsigned char)text[n] < 0x80 ? text[n] : '?';
	plain[n] = '\0';
	return json_string(plain);
}

void import_tell(struct import_report *r, enum import_weight w,
		 const struct import_object *o, const char *field,
		 const char *fmt, ...)
{
	char text[ERR_TEXT_MAX], object[2 * ERR_AT_MAX];
	struct err at;
	json_t *entry;
	va_list ap;

	va_start(ap, fmt);
	/* cut, if it is too long */
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	(void)snprintf(object, sizeof object, "%.80s%s%.80s%s%.120s",
		       o->kind[0] ? o->kind : "object", o->name[0] ? " " : "",
		       o->namespace, o->namespace[0] ? "/" : "", o->name);
	locate(o, field, &at);
	entry = json_pack("{s:s, s:o, s:o, s:o, s:o}", "weight",
			  import_weight_name(w), "at", json_of(at.at), "object",
			  json_of(object), "field", json_of(field), "text",
			  json_of(text));
	if (json_array_append_new(r->list, entry) < 0)
		r->failed = true;
	r->counts[w]++;
}
