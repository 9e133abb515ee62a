#include "wire/field.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

/* How much of a wrong value an error text shows. */
#define SHOW_MAX 48

const char *json_type_name(const json_t *v)
{
	if (!v)
		return "nothing";
	switch (json_typeof(v)) {
	case JSON_OBJECT: return "an object";
	case JSON_ARRAY: return "an array";
	case JSON_STRING: return "a string";
	case JSON_INTEGER: return "an integer";
	case JSON_REAL: return "a real number";
	case JSON_TRUE:
	case JSON_FALSE: return "a boolean";
	case JSON_NULL: return "null";
	}
	return "something unknown";
}

struct fields fields_open(const json_t *v, bool strict, struct err *reterr)
{
	struct fields f = { .obj = v, .reterr = reterr, .strict = strict };

	if (!json_is_object(v))
		f.rc = err_set(reterr, EINVAL, NULL,
			       "expected an object, got %s", json_type_name(v));
	return f;
}

static bool was_asked(const struct fields *f, const char *key)
{
	for (unsigned i = 0; i < f->n_asked; i++)
		if (strcmp(f->asked[i], key) == 0)
			return true;
	return false;
}

/* --- misspelt --------------------------------------------------------- */

#define SIMILAR_MAX 24 /* longer names are not compared */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many bytes are to be put in, left out, or changed. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[SIMILAR_MAX + 1];
	size_t len = strlen(b);

	for (size_t k = 0; k <= len; k++)
		row[k] = (unsigned)k;
	for (; *a; a++) {
		unsigned corner = row[0]++;

		for (size_t k = 1; k <= len; k++) {
			unsigned change = corner + (*a != b[k - 1]);

			corner = row[k];
			row[k] = least(least(row[k], row[k - 1]) + 1, change);
		}
	}
	return row[len];
}

/* Could one be the other, written wrong? */
static bool is_similar(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), longer = la > lb ? la : lb;

	return longer <= SIMILAR_MAX && distance(a, b) <= (longer + 2) / 4;
}

/* What of the object looks like that name, and is not asked for; NULL. */
static const char *similar_member(const struct fields *f, const char *name)
{
	const char *key;
	json_t *value;

	/* jansson's iteration wants a non-const object but changes nothing */
	json_object_foreach ((json_t *)f->obj, key, value)
		if (!was_asked(f, key) && is_similar(key, name))
			return key;
	return NULL;
}

static const char *similar_field(const struct fields *f, const char *key)
{
	for (unsigned i = 0; i < f->n_asked; i++)
		if (!json_object_get(f->obj, f->asked[i]) &&
		    is_similar(f->asked[i], key))
			return f->asked[i];
	return NULL;
}

static void refuse_missing(struct fields *f, const char *name)
{
	const char *other = f->strict ? similar_member(f, name) : NULL;

	fields_refuse(f, name, "missing%s%s%s", other ? "; is \"" : "",
		      other ? other : "", other ? "\" meant?" : "");
}

static void refuse_unknown(struct fields *f, const char *key)
{
	const char *other = similar_field(f, key);

	fields_refuse(f, key, "unknown field%s%s%s", other ? "; is \"" : "",
		      other ? other : "", other ? "\" meant?" : "");
}

int fields_close(struct fields *f)
{
	const char *key;
	json_t *value;

	if (f->rc || !f->strict)
		return f->rc;
	/* jansson's iteration wants a non-const object but changes nothing */
	json_object_foreach ((json_t *)f->obj, key, value)
		if (!was_asked(f, key))
			refuse_unknown(f, key);
	return f->rc;
}

void fields_refuse(struct fields *f, const char *name, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	if (f->rc)
		return;
	va_start(ap, fmt);
	/* A text that is too long is cut. */
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	f->rc = err_set(f->reterr, EINVAL, name, "%s", text);
}

/* The value, or NULL when it is missing (an error if need is FIELD_MUST). */
static const json_t *get(struct fields *f, const char *name,
			 enum field_need need)
{
	const json_t *v;

	if (f->rc)
		return NULL;
	BUG_ON(f->n_asked == FIELDS_ASKED_MAX);
	f->asked[f->n_asked++] = name;
	v = json_object_get(f->obj, name);
	if (v && !json_is_null(v))
		return v;
	if (need == FIELD_MUST)
		refuse_missing(f, name);
	return NULL;
}

bool field_bool(struct fields *f, const char *name, enum field_need need,
		bool *ret)
{
	const json_t *v = get(f, name, need);

	if (!v)
		return false;
	if (!json_is_boolean(v)) {
		fields_refuse(f, name, "expected true or false, got %s",
			      json_type_name(v));
		return false;
	}
	*ret = json_is_true(v);
	return true;
}

bool field_u32(struct fields *f, const char *name, enum field_need need,
	       uint32_t min, uint32_t max, uint32_t *ret)
{
	const json_t *v = get(f, name, need);
	json_int_t n;

	if (!v)
		return false;
	if (!json_is_integer(v)) {
		fields_refuse(f, name, "expected an integer in %u..%u, got %s",
			      min, max, json_type_name(v));
		return false;
	}
	n = json_integer_value(v);
	if (n < min || n > max) {
		fields_refuse(f, name,
			      "expected an integer in %u..%u, got %lld", min,
			      max, (long long)n);
		return false;
	}
	*ret = (uint32_t)n;
	return true;
}

bool field_u64(struct fields *f, const char *name, enum field_need need,
	       uint64_t *ret)
{
	const json_t *v = get(f, name, need);
	json_int_t n;

	if (!v)
		return false;
	n = json_integer_value(v);
	if (!json_is_integer(v) || n < 0) {
		fields_refuse(f, name, "expected an integer of at least 0");
		return false;
	}
	*ret = (uint64_t)n;
	return true;
}

bool field_u16(struct fields *f, const char *name, enum field_need need,
	       uint16_t min, uint16_t max, uint16_t *ret)
{
	uint32_t wide;

	if (!field_u32(f, name, need, min, max, &wide))
		return false;
	*ret = (uint16_t)wide;
	return true;
}

bool field_u8(struct fields *f, const char *name, enum field_need need,
	      uint8_t min, uint8_t max, uint8_t *ret)
{
	uint32_t wide;

	if (!field_u32(f, name, need, min, max, &wide))
		return false;
	*ret = (uint8_t)wide;
	return true;
}

bool field_str(struct fields *f, const char *name, enum field_need need,
	       size_t max_len, const char **ret)
{
	const json_t *v = get(f, name, need);

	if (!v)
		return false;
	if (!json_is_string(v)) {
		fields_refuse(f, name, "expected a string, got %s",
			      json_type_name(v));
		return false;
	}
	if (json_string_length(v) > max_len) {
		fields_refuse(f, name, "expected at most %zu bytes, got %zu",
			      max_len, json_string_length(v));
		return false;
	}
	if (strlen(json_string_value(v)) != json_string_length(v)) {
		fields_refuse(f, name, "contains a NUL character");
		return false;
	}
	*ret = json_string_value(v);
	return true;
}

static const char mac_form[] = "expected six hex bytes like "
			       "02:42:ac:11:00:02, got \"%.*s\"";

bool field_mac(struct fields *f, const char *name, enum field_need need,
	       struct mac *ret)
{
	const char *text;

	if (!field_str(f, name, need, 4096, &text))
		return false;
	if (text[0] == '\0') {
		if (need == FIELD_MUST)
			fields_refuse(f, name, mac_form, 0, "");
		return false;
	}
	if (mac_parse(text, ret) < 0) {
		fields_refuse(f, name, mac_form, SHOW_MAX, text);
		return false;
	}
	return true;
}

bool field_ip(struct fields *f, const char *name, enum field_need need,
	      struct ip_addr *ret)
{
	const char *text;

	if (!field_str(f, name, need, 4096, &text))
		return false;
	if (ip_parse(text, ret) < 0) {
		fields_refuse(f, name,
			      "expected an IPv4 or IPv6 address, got \"%.*s\"",
			      SHOW_MAX, text);
		return false;
	}
	return true;
}

bool field_array(struct fields *f, const char *name, enum field_need need,
		 size_t max, const json_t **ret)
{
	const json_t *v = get(f, name, need);

	if (!v)
		return false;
	if (!json_is_array(v)) {
		fields_refuse(f, name, "expected an array, got %s",
			      json_type_name(v));
		return false;
	}
	if (json_array_size(v) > max) {
		f->rc = err_set(f->reterr, E2BIG, name,
				"expected at most %zu elements, got %zu", max,
				json_array_size(v));
		return false;
	}
	*ret = v;
	return true;
}

bool field_object(struct fields *f, const char *name, enum field_need need,
		  const json_t **ret)
{
	const json_t *v = get(f, name, need);

	if (!v)
		return false;
	if (!json_is_object(v)) {
		fields_refuse(f, name, "expected an object, got %s",
			      json_type_name(v));
		return false;
	}
	*ret = v;
	return true;
}

bool field_macs(struct fields *f, const char *name, enum field_need need,
		size_t max, struct mac **ret, size_t *ret_n)
{
	const json_t *array, *v;
	struct mac *macs;
	size_t n;

	if (!field_array(f, name, need, max, &array))
		return false;
	n = json_array_size(array);
	if (n == 0) {
		if (need == FIELD_MUST)
			fields_refuse(f, name, "expected at least one MAC");
		return false;
	}
	macs = calloc(n, sizeof *macs);
	if (!macs) {
		f->rc = err_set(f->reterr, ENOMEM, name, "out of memory");
		return false;
	}
	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		char at[ERR_AT_MAX];

		v = json_array_get(array, i);
		if (json_is_string(v) &&
		    mac_parse(json_string_value(v), &macs[*ret_n]) == 0) {
			++*ret_n;
			continue;
		}
		if (!f->strict && json_is_string(v) &&
		    json_string_length(v) == 0)
			continue;
		(void)snprintf(at, sizeof at, "%s[%zu]", name, i);
		fields_refuse(f, at, mac_form, SHOW_MAX,
			      json_is_string(v) ? json_string_value(v)
						: json_type_name(v));
		free(macs);
		*ret_n = 0;
		return false;
	}
	if (*ret_n == 0 && need == FIELD_MUST)
		fields_refuse(f, name, "expected at least one MAC");
	*ret = macs;
	return true;
}

bool field_part(struct fields *f, const char *name, struct fields *ret)
{
	const json_t *o;

	if (!field_object(f, name, FIELD_MAY, &o))
		return false;
	*ret = fields_open(o, true, f->reterr);
	return true;
}

void field_part_close(struct fields *f, const char *name, struct fields *part)
{
	int rc = fields_close(part);

	if (rc < 0 && f->rc == 0) {
		f->rc = rc;
		err_prefix(f->reterr, name);
	}
}

bool field_word(struct fields *f, const char *name, const char *const *words,
		size_t n, unsigned *ret)
{
	const char *text;
	char all[256] = "";

	if (!field_str(f, name, FIELD_MAY, 32, &text))
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(all);

		if (strcmp(words[i], text) == 0) {
			*ret = (unsigned)i;
			return true;
		}
		(void)snprintf(all + len, sizeof all - len, "%s%s",
			       i ? ", " : "", words[i]);
	}
	fields_refuse(f, name, "must be one of %s, not \"%.20s\"", all, text);
	return false;
}
