/*
 * libyaml's events become JSON values on the spot; beside them, the places
 * where they stood, as one flat list in the order of the text:
 *
 *   mark of an object    its key's mark, its value's marks, the next key's ...
 *   mark of a list       its first element's marks, the second's, ...
 *   mark of a scalar, or of an alias: nothing more
 *
 * Each mark says how many marks it is long, itself included, so that a path is
 * followed by skipping. Members of a JSON object are in the order in which they
 * were put in, which is the order of the marks.
 *
 * An alias shares the value it stands for, so a document is no larger in memory
 * than it is as a text; but whoever walks it walks a copy for each alias, and
 * so it is counted.
 */
#include "yaml/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/limits.h"
#include "yaml/plain.h"

#define STR_TAG "tag:yaml.org,2002:str"

struct mark {
	uint32_t line, column; /* from 1 */
	uint32_t size;
};

struct doc {
	json_t *value;
	size_t mark; /* the first of its marks */
};

struct yaml_text {
	char *file;
	struct doc *docs;
	struct mark *marks;
	size_t n_docs, n_marks, room_docs, room_marks;
};

/* A list or object that is not at its end yet. */
struct frame {
	json_t *v;
	size_t mark;
	unsigned height;	/* of the deepest that is in it */
	unsigned anchor;	/* index + 1; 0: none */
	unsigned nodes;		/* counted before it */
	bool has_key;		/* the next event is the key's value */
	char key[YAML_KEY_MAX]; /* if so */
};

struct anchor {
	char *name;
	json_t *value; /* borrowed; NULL: not at its end yet */
	unsigned height, nodes;
};

struct reader {
	struct yaml_text *y;
	yaml_parser_t parser;
	yaml_event_t event;
	struct frame frames[YAML_DEPTH_MAX];
	unsigned depth;
	struct anchor anchors[YAML_ANCHORS_MAX];
	unsigned n_anchors;
	unsigned nodes;
	json_t *root; /* of the document under way; owned */
	int rc;
	struct err *reterr;
};

static void fail_at(struct reader *r, int code, size_t line, size_t column,
		    const char *text)
{
	char at[ERR_AT_MAX];

	if (r->rc)
		return;
	/* A long name of a file is cut at its front, not the numbers */
	(void)snprintf(at, sizeof at, "%.120s:%zu:%zu", r->y->file, line,
		       column);
	r->rc = err_set(r->reterr, code, at, "%s", text);
}

/* At the event that was read last. */
static void fail(struct reader *r, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void fail(struct reader *r, int code, const char *fmt, ...)
{
	yaml_mark_t m = r->event.start_mark;
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	/* A text that is too long is cut. */
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fail_at(r, code, m.line + 1, m.column + 1, text);
}

static void fail_memory(struct reader *r)
{
	fail(r, ENOMEM, "out of memory");
}

/* What libyaml says. */
static void fail_parser(struct reader *r, const char *text, size_t len)
{
	const yaml_parser_t *p = &r->parser;
	size_t line = p->problem_mark.line + 1;
	char said[ERR_TEXT_MAX];

	if (p->error == YAML_MEMORY_ERROR) {
		fail_memory(r);
		return;
	}
	if (p->error == YAML_READER_ERROR) {
		/* it only knows the offset */
		line = 1;
		for (size_t i = 0; i < p->problem_offset && i < len; i++)
			line += text[i] == '\n';
		fail_at(r, EINVAL, line, 1, p->problem ? p->problem : "?");
		return;
	}
	(void)snprintf(said, sizeof said, "%s%s%s",
		       p->problem ? p->problem : "not YAML",
		       p->context ? " " : "", p->context ? p->context : "");
	fail_at(r, EINVAL, line, p->problem_mark.column + 1, said);
}

/* --- building --------------------------------------------------------- */

static void add_mark(struct reader *r)
{
	struct yaml_text *y = r->y;

	if (y->n_marks == y->room_marks) {
		size_t room = y->room_marks ? 2 * y->room_marks : 256;
		struct mark *grown = realloc(y->marks, room * sizeof *grown);

		if (!grown) {
			fail_memory(r);
			return;
		}
		y->marks = grown;
		y->room_marks = room;
	}
	y->marks[y->n_marks++] = (struct mark){
		.line = (uint32_t)r->event.start_mark.line + 1,
		.column = (uint32_t)r->event.start_mark.column + 1,
		.size = 1,
	};
}

static void count(struct reader *r, unsigned nodes)
{
	if (nodes > YAML_NODES_MAX - r->nodes)
		fail(r, E2BIG,
		     "more than %u values (aliases counted as what "
		     "they stand for)",
		     YAML_NODES_MAX);
	else
		r->nodes += nodes;
}

/* Takes v. height: 0 for a scalar. */
static void put_value(struct reader *r, json_t *v, unsigned height)
{
	struct frame *f = r->depth ? &r->frames[r->depth - 1] : NULL;
	int rc;

	if (!v) {
		fail_memory(r);
		return;
	}
	if (!f) {
		json_decref(r->root);
		r->root = v;
		return;
	}
	if (f->height < height + 1)
		f->height = height + 1;
	if (json_is_array(f->v))
		rc = json_array_append_new(f->v, v);
	else
		rc = json_object_set_new(f->v, f->key, v);
	f->has_key = false;
	if (rc < 0)
		fail_memory(r);
}

/* Index + 1; 0: it has none. */
static unsigned new_anchor(struct reader *r, const yaml_char_t *name)
{
	struct anchor *a = &r->anchors[r->n_anchors];

	if (!name || r->rc)
		return 0;
	if (r->n_anchors == YAML_ANCHORS_MAX) {
		fail(r, E2BIG, "more than %d anchors", YAML_ANCHORS_MAX);
		return 0;
	}
	*a = (struct anchor){ .name = strdup((const char *)name) };
	if (!a->name) {
		fail_memory(r);
		return 0;
	}
	return ++r->n_anchors;
}

static void drop_anchors(struct reader *r)
{
	for (unsigned i = 0; i < r->n_anchors; i++)
		free(r->anchors[i].name);
	r->n_anchors = 0;
}

static bool wants_key(const struct reader *r)
{
	const struct frame *f = r->depth ? &r->frames[r->depth - 1] : NULL;

	return f && json_is_object(f->v) && !f->has_key;
}

static void on_key(struct reader *r)
{
	struct frame *f = &r->frames[r->depth - 1];
	const char *text = (const char *)r->event.data.scalar.value;
	size_t len = r->event.data.scalar.length;

	if (len >= sizeof f->key || memchr(text, 0, len)) {
		fail(r, EINVAL, "a key has at most %d bytes, and no NUL",
		     YAML_KEY_MAX - 1);
		return;
	}
	if (r->event.data.scalar.anchor)
		fail(r, EINVAL, "a key cannot have an anchor");
	memcpy(f->key, text, len);
	f->key[len] = '\0';
	f->has_key = true;
	if (json_object_get(f->v, f->key))
		fail(r, EINVAL, "\"%.80s\" is there twice", f->key);
	add_mark(r);
}

static json_t *scalar_of(const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;

	if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    !e->data.scalar.tag)
		return plain_value(text, len);
	return json_stringn(text, len);
}

static void on_scalar(struct reader *r)
{
	const char *tag = (const char *)r->event.data.scalar.tag;
	unsigned anchor;
	json_t *v;

	if (tag && strcmp(tag, STR_TAG) != 0 && strcmp(tag, "!") != 0)
		fail(r, EINVAL, "the tag %.80s is not understood", tag);
	if (memchr(r->event.data.scalar.value, 0, r->event.data.scalar.length))
		fail(r, EINVAL, "a text cannot contain NUL");
	anchor = new_anchor(r, r->event.data.scalar.anchor);
	count(r, 1);
	add_mark(r);
	if (r->rc)
		return;
	v = scalar_of(&r->event);
	if (anchor) {
		r->anchors[anchor - 1].value = v;
		r->anchors[anchor - 1].nodes = 1;
	}
	put_value(r, v, 0);
}

static void on_alias(struct reader *r)
{
	const char *name = (const char *)r->event.data.alias.anchor;
	const struct anchor *a = NULL;

	for (unsigned i = r->n_anchors; i > 0 && !a; i--)
		if (strcmp(r->anchors[i - 1].name, name) == 0)
			a = &r->anchors[i - 1];
	if (!a || !a->value) {
		fail(r, EINVAL,
		     a ? "*%.80s stands within what it means"
		       : "no anchor &%.80s stands before it",
		     name);
		return;
	}
	if (r->depth + a->height > YAML_DEPTH_MAX)
		fail(r, E2BIG, "deeper than %d", YAML_DEPTH_MAX);
	count(r, a->nodes);
	add_mark(r);
	if (!r->rc)
		put_value(r, json_incref(a->value), a->height);
}

/* tag NULL: none. */
static void on_begin(struct reader *r, json_t *v, const yaml_char_t *anchor,
		     const yaml_char_t *tag)
{
	struct frame *f = &r->frames[r->depth];

	if (tag)
		fail(r, EINVAL, "the tag %.80s is not understood",
		     (const char *)tag);
	if (r->depth == YAML_DEPTH_MAX)
		fail(r, E2BIG, "deeper than %d", YAML_DEPTH_MAX);
	if (!v)
		fail_memory(r);
	if (r->rc) {
		json_decref(v);
		return;
	}
	f->v = v;
	f->mark = r->y->n_marks;
	f->height = 0;
	f->nodes = r->nodes;
	f->has_key = false;
	f->anchor = new_anchor(r, anchor);
	r->depth++;
	count(r, 1);
	add_mark(r);
}

static void on_end(struct reader *r)
{
	struct frame *f = &r->frames[--r->depth];
	unsigned height = f->height ? f->height : 1;
	json_t *v = f->v;

	f->v = NULL;
	r->y->marks[f->mark].size = (uint32_t)(r->y->n_marks - f->mark);
	if (f->anchor) {
		r->anchors[f->anchor - 1].value = v;
		r->anchors[f->anchor - 1].height = height;
		r->anchors[f->anchor - 1].nodes = r->nodes - f->nodes;
	}
	put_value(r, v, height);
}

static void end_document(struct reader *r, size_t mark)
{
	struct yaml_text *y = r->y;

	if (y->n_docs == y->room_docs) {
		size_t room = y->room_docs ? 2 * y->room_docs : 4;
		struct doc *grown = realloc(y->docs, room * sizeof *grown);

		if (!grown) {
			fail_memory(r);
			return;
		}
		y->docs = grown;
		y->room_docs = room;
	}
	y->docs[y->n_docs++] = (struct doc){ r->root, mark };
	r->root = NULL;
	drop_anchors(r);
}

/* false: the text has ended. */
static bool take_event(struct reader *r, size_t *doc_mark)
{
	const yaml_event_t *e = &r->event;

	if (wants_key(r) && e->type != YAML_SCALAR_EVENT &&
	    e->type != YAML_MAPPING_END_EVENT) {
		fail(r, EINVAL, "a key must be a text");
		return true;
	}
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT: *doc_mark = r->y->n_marks; break;
	case YAML_DOCUMENT_END_EVENT: end_document(r, *doc_mark); break;
	case YAML_ALIAS_EVENT: on_alias(r); break;
	case YAML_SCALAR_EVENT:
		if (wants_key(r))
			on_key(r);
		else
			on_scalar(r);
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_begin(r, json_array(), e->data.sequence_start.anchor,
			 e->data.sequence_start.tag);
		break;
	case YAML_MAPPING_START_EVENT:
		on_begin(r, json_object(), e->data.mapping_start.anchor,
			 e->data.mapping_start.tag);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: on_end(r); break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT: break;
	case YAML_STREAM_END_EVENT: return false;
	}
	return true;
}

static void read_all(struct reader *r, const char *text, size_t len)
{
	size_t doc_mark = 0;
	bool more = true;

	if (!yaml_parser_initialize(&r->parser)) {
		fail_memory(r);
		return;
	}
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text,
				     len);
	while (more && !r->rc) {
		if (!yaml_parser_parse(&r->parser, &r->event)) {
			fail_parser(r, text, len);
			break;
		}
		more = take_event(r, &doc_mark);
		yaml_event_delete(&r->event);
	}
	yaml_parser_delete(&r->parser);
	/* what is within a frame is not yet within the frame around it */
	while (r->depth > 0)
		json_decref(r->frames[--r->depth].v);
	json_decref(r->root);
	drop_anchors(r);
}

int yaml_text_read(const char *text, size_t len, const char *file,
		   struct yaml_text **ret, struct err *reterr)
{
	struct reader *r = calloc(1, sizeof *r);
	int rc;

	if (r)
		r->y = calloc(1, sizeof *r->y);
	if (r && r->y)
		r->y->file = strdup(file);
	if (!r || !r->y || !r->y->file) {
		if (r)
			yaml_text_free(r->y);
		free(r);
		return err_set(reterr, ENOMEM, file, "out of memory");
	}
	r->reterr = reterr;
	if (len > YAML_BYTES_MAX)
		fail_at(r, E2BIG, 1, 1, "longer than 16 MiB");
	else
		read_all(r, text, len);
	rc = r->rc;
	if (rc == 0)
		*ret = r->y;
	else
		yaml_text_free(r->y);
	free(r);
	return rc;
}

void yaml_text_free(struct yaml_text *y)
{
	if (!y)
		return;
	for (size_t i = 0; i < y->n_docs; i++)
		json_decref(y->docs[i].value);
	free(y->docs);
	free(y->marks);
	free(y->file);
	free(y);
}

size_t yaml_text_count(const struct yaml_text *y)
{
	return y->n_docs;
}

const json_t *yaml_text_value(const struct yaml_text *y, size_t i)
{
	return y->docs[i].value;
}

/* --- places ----------------------------------------------------------- */

/*
 * How much of path names the key: all of it before a '.', '[' or the end; a
 * key may have dots itself. 0: does not.
 */
static size_t key_length(const char *path, const char *key)
{
	size_t n = strlen(key);

	if (n == 0 || strncmp(path, key, n) != 0)
		return 0;
	return path[n] == '\0' || path[n] == '.' || path[n] == '[' ? n : 0;
}

/* The longest key of o that the path begins with; its mark, 0: none. */
static size_t step_key(const struct yaml_text *y, size_t at, json_t **v,
		       const char **path)
{
	size_t mark = at + 1, found = 0, best = 0;
	const char *key;
	json_t *value, *o = *v;

	json_object_foreach (o, key, value) {
		size_t n = key_length(*path, key);

		if (n > best) {
			best = n;
			found = mark;
			*v = value;
		}
		mark += 1 + y->marks[mark + 1].size;
	}
	*path += best;
	return found;
}

/* Goes to the element "[12]"; its mark, 0: there is none. */
static size_t step_index(const struct yaml_text *y, size_t at, json_t **v,
			 const char **path)
{
	size_t mark = at + 1, index = 0;
	const char *p = *path + 1;

	for (; *p >= '0' && *p <= '9' && index < YAML_NODES_MAX; p++)
		index = 10 * index + (size_t)(*p - '0');
	if (*p != ']' || index >= json_array_size(*v))
		return 0;
	for (size_t i = 0; i < index; i++)
		mark += y->marks[mark].size;
	*v = json_array_get(*v, index);
	*path = p + 1;
	return mark;
}

/*
 * The mark of what the path leads to, or as far as it leads: of a member, its
 * key.
 */
static const struct mark *follow(const struct yaml_text *y, const struct doc *d,
				 const char *path)
{
	size_t at = d->mark, told = d->mark, next;
	json_t *v = d->value;

	while (*path != '\0') {
		bool alias = y->marks[at].size == 1;

		if (*path == '.')
			path++;
		if (alias)
			break;
		if (*path == '[' && json_is_array(v)) {
			next = step_index(y, at, &v, &path);
			told = next ? next : told;
		} else if (json_is_object(v)) {
			next = step_key(y, at, &v, &path);
			told = next ? next : told;
			/* the value stands behind its key */
			next = next ? next + 1 : 0;
		} else {
			next = 0;
		}
		if (next == 0)
			break;
		at = next;
	}
	return &y->marks[told];
}

void yaml_text_locate(const struct yaml_text *y, size_t i, struct err *err)
{
	const struct mark *m = follow(y, &y->docs[i], err->at);
	char path[ERR_AT_MAX], text[ERR_TEXT_MAX];

	memcpy(path, err->at, sizeof path);
	memcpy(text, err->text, sizeof text);
	(void)snprintf(err->at, sizeof err->at, "%.120s:%u:%u", y->file,
		       m->line, m->column);
	/* A text that is too long is cut. */
	(void)snprintf(err->text, sizeof err->text, "%s%s%.*s", path,
		       path[0] ? ": " : "",
		       (int)(sizeof err->text - strlen(path)), text);
}

int yaml_text_read_one(const char *text, size_t len, const char *file,
		       yaml_text_fn *read, void *arg, struct err *reterr)
{
	struct yaml_text *y = NULL;
	int rc = yaml_text_read(text, len, file, &y, reterr);

	if (!y)
		return rc;
	if (yaml_text_count(y) > 1) {
		rc = err_set(reterr, EINVAL, file, "has several documents");
	} else if (yaml_text_count(y) == 1) {
		rc = read(yaml_text_value(y, 0), arg, reterr);
		if (rc < 0)
			yaml_text_locate(y, 0, reterr);
	} else {
		rc = read(json_null(), arg, reterr);
		if (rc < 0)
			(void)snprintf(reterr->at, sizeof reterr->at, "%.120s",
				       file);
	}
	yaml_text_free(y);
	return rc;
}
