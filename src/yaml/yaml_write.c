/*
 * Words without quotes, both ways, and the writer. Other readers follow YAML
 * 1.1, where "no" is false, "1:20" is 80 and "2026-01-01" is a day. So what is
 * written without quotes is only what begins with a letter and is no such word;
 * what is read without quotes is taken as YAML 1.2 says.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/limits.h"
#include "yaml/plain.h"
#include "yaml/yaml.h"

#define NUMBER_TEXT_MAX 64
/* Lists of so many scalars are written in one line. */
#define FLOW_MAX 8

static bool is(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

static bool is_null(const char *text, size_t len)
{
	return len == 0 || is(text, len, "~") || is(text, len, "null") ||
	       is(text, len, "Null") || is(text, len, "NULL");
}

static bool is_true(const char *text, size_t len)
{
	return is(text, len, "true") || is(text, len, "True") ||
	       is(text, len, "TRUE");
}

static bool is_false(const char *text, size_t len)
{
	return is(text, len, "false") || is(text, len, "False") ||
	       is(text, len, "FALSE");
}

static size_t digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* NULL: no number; text ends with NUL. */
static json_t *number_of(const char *text)
{
	const char *p = text + (text[0] == '-');
	size_t n = digits(p);
	bool real = false;

	/* 012 is eight more or less, by who reads it */
	if (n == 0 || (n > 1 && p[0] == '0'))
		return NULL;
	p += n;
	if (*p == '.') {
		real = true;
		n = digits(++p);
		p += n;
	}
	if (n > 0 && (*p == 'e' || *p == 'E')) {
		real = true;
		p++;
		p += *p == '-' || *p == '+';
		n = digits(p);
		p += n;
	}
	if (n == 0 || *p != '\0')
		return NULL;
	errno = 0;
	if (real) {
		double d = strtod(text, NULL);

		/* json_real() refuses what is no number */
		return errno ? NULL : json_real(d);
	}
	{
		long long v = strtoll(text, NULL, 10);

		return errno ? NULL : json_integer(v);
	}
}

json_t *plain_value(const char *text, size_t len)
{
	char buf[NUMBER_TEXT_MAX];
	json_t *number;

	if (is_null(text, len))
		return json_null();
	if (is_true(text, len))
		return json_true();
	if (is_false(text, len))
		return json_false();
	if (len < sizeof buf && (text[0] == '-' || isdigit(text[0]))) {
		memcpy(buf, text, len);
		buf[len] = '\0';
		number = number_of(buf);
		if (number)
			return number;
	}
	return json_stringn(text, len);
}

bool plain_is_text(const char *text, size_t len)
{
	static const char *const words[] = { "null", "true", "false",
					     "yes",  "no",   "on",
					     "off",  "y",    "n" };

	if (len == 0 || !isascii(text[0]) || !isalpha(text[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isascii(text[i]) ||
		    (!isalnum(text[i]) && !strchr("_-./@ ", text[i])))
			return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i]) == len &&
		    strncasecmp(words[i], text, len) == 0)
			return false;
	return text[len - 1] != ' ';
}

/* --- writing ---------------------------------------------------------- */

struct writer {
	yaml_emitter_t emitter;
	bool failed;
};

/* made: what an initializer said. The emitter takes e. */
static void emit(struct writer *w, yaml_event_t *e, int made)
{
	if (w->failed && made)
		yaml_event_delete(e);
	else if (!made || !yaml_emitter_emit(&w->emitter, e))
		w->failed = true;
}

static void emit_text(struct writer *w, const char *text, size_t len,
		      bool plain)
{
	yaml_event_t e;

	emit(w, &e,
	     yaml_scalar_event_initialize(
		     &e, NULL, NULL, (const yaml_char_t *)text, (int)len, plain,
		     1,
		     plain ? YAML_PLAIN_SCALAR_STYLE
			   : YAML_DOUBLE_QUOTED_SCALAR_STYLE));
}

static void write_scalar(struct writer *w, const json_t *v)
{
	char *text;

	if (json_is_string(v)) {
		emit_text(w, json_string_value(v), json_string_length(v),
			  plain_is_text(json_string_value(v),
					json_string_length(v)));
		return;
	}
	text = json_dumps(v, JSON_ENCODE_ANY);
	if (text)
		emit_text(w, text, strlen(text), true);
	else
		w->failed = true;
	free(text);
}

static bool is_short(const json_t *array)
{
	if (json_array_size(array) > FLOW_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *v = json_array_get(array, i);

		if (json_is_object(v) || json_is_array(v))
			return false;
	}
	return true;
}

/* At most YAML_DEPTH_MAX deep. */
static void write_value(struct writer *w, const json_t *v, unsigned depth);

/* NOLINTNEXTLINE(misc-no-recursion) */
static void write_array(struct writer *w, const json_t *v, unsigned depth)
{
	yaml_event_t e;

	emit(w, &e,
	     yaml_sequence_start_event_initialize(
		     &e, NULL, NULL, 1,
		     is_short(v) ? YAML_FLOW_SEQUENCE_STYLE
				 : YAML_BLOCK_SEQUENCE_STYLE));
	for (size_t i = 0; i < json_array_size(v) && !w->failed; i++)
		write_value(w, json_array_get(v, i), depth + 1);
	emit(w, &e, yaml_sequence_end_event_initialize(&e));
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static void write_object(struct writer *w, const json_t *v, unsigned depth)
{
	yaml_event_t e;
	const char *key;
	json_t *member;

	emit(w, &e,
	     yaml_mapping_start_event_initialize(&e, NULL, NULL, 1,
						 YAML_BLOCK_MAPPING_STYLE));
	/* jansson's iteration wants a non-const object but changes nothing */
	json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
		size_t len = strlen(key);

		if (w->failed)
			break;
		emit_text(w, key, len, plain_is_text(key, len));
		write_value(w, member, depth + 1);
	}
	emit(w, &e, yaml_mapping_end_event_initialize(&e));
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static void write_value(struct writer *w, const json_t *v, unsigned depth)
{
	if (depth > YAML_DEPTH_MAX)
		w->failed = true;
	else if (json_is_array(v))
		write_array(w, v, depth);
	else if (json_is_object(v))
		write_object(w, v, depth);
	else
		write_scalar(w, v);
}

static void write_document(struct writer *w, const json_t *v)
{
	yaml_event_t e;

	emit(w, &e, yaml_stream_start_event_initialize(&e, YAML_UTF8_ENCODING));
	emit(w, &e,
	     yaml_document_start_event_initialize(&e, NULL, NULL, NULL, 1));
	write_value(w, v, 1);
	emit(w, &e, yaml_document_end_event_initialize(&e, 1));
	emit(w, &e, yaml_stream_end_event_initialize(&e));
}

char *yaml_text_write(const json_t *value)
{
	struct writer w = { .failed = false };
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	if (yaml_emitter_initialize(&w.emitter)) {
		yaml_emitter_set_output_file(&w.emitter, f);
		yaml_emitter_set_unicode(&w.emitter, 1);
		yaml_emitter_set_width(&w.emitter, -1);
		write_document(&w, value);
		yaml_emitter_delete(&w.emitter);
	} else {
		w.failed = true;
	}
	if (fclose(f) != 0 || w.failed) {
		free(text);
		return NULL;
	}
	return text;
}
