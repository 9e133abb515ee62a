#include "sensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seed.h"
#include "wire/app.h"

static void on_told(void *arg, uint32_t conversation,
		    const struct sensor_told *t)
{
	struct sensor_heard *h = arg;
	size_t len = strlen(h->text);

	assert_true(conversation > 0);
	(void)snprintf(h->text + len, sizeof h->text - len, "%u:%s:%c%s ",
		       t->sensor->id,
		       sensor_where_name((enum sensor_where)t->where),
		       t->side == PROTO_CLIENT ? 'c' : 's',
		       t->action == SENSOR_BLOCK ? ":block" : "");
	h->last = *t;
	if (t->evidence)
		h->evidence = *t->evidence;
	h->n++;
}

void bench_with(struct sensor_bench *b, struct sensor_list *l)
{
	struct sensor_scanner_options o = {
		.conversations = 4,
		.windows = 16,
		.progress = 64,
		.told = on_told,
		.arg = &b->heard,
	};
	struct err err = { 0 };

	*b = (struct sensor_bench){ 0 };
	for (size_t i = 0; i < sensor_list_len(l); i++)
		b->used[b->uses.n++] =
			(struct sensor_use){ sensor_list_at(l, i)->id,
					     SENSOR_ALERT };
	b->uses.uses = b->used;
	b->set = sensor_set_new(l, NULL, &err);
	if (!b->set)
		fail_msg("%s: %s", err.at, err.text);
	assert_int_equal(sensor_set_size(b->set).left_out, 0);
	b->lane = sensor_lane_new(b->set);
	b->scanner = sensor_scanner_new(&o);
	assert_non_null(b->lane);
	assert_non_null(b->scanner);
	assert_null(sensor_scanner_adopt(b->scanner, b->lane));
}

void bench_of(struct sensor_bench *b, const char *sensors)
{
	json_t *v = json_loads(sensors, 0, NULL);
	struct sensor_list *l = NULL;
	struct err err = { 0 };

	assert_non_null(v);
	if (sensor_list_parse(v, &l, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	json_decref(v);
	bench_with(b, l);
}

void bench_done(struct sensor_bench *b)
{
	assert_ptr_equal(sensor_scanner_adopt(b->scanner, NULL), b->lane);
	sensor_scanner_free(b->scanner);
	sensor_lane_free(b->lane);
	sensor_set_free(b->set);
}

struct bytes text_of(const char *text)
{
	return bytes_of(text, strlen(text));
}

void say_whole(struct sensor_bench *b, uint32_t c, enum proto_field f,
	       struct bytes bytes)
{
	(void)sensor_piece(b->scanner, c, b->uses,
			   &(struct proto_piece){
				   .bytes = bytes,
				   .field = (uint8_t)f,
				   .side = proto_field_side(f) == 'S',
				   .begin = true,
				   .end = true,
			   });
}

/* In pieces of at most `most` bytes, of any length; the end with the last. */
void say_cut(struct sensor_bench *b, uint32_t c, enum proto_field f,
	     struct bytes bytes, uint64_t *seed, uint32_t most)
{
	bool begin = true;

	do {
		size_t n = 1 + seed_draw(seed, most), len = bytes_len(bytes);
		struct proto_piece p = {
			.field = (uint8_t)f,
			.side = proto_field_side(f) == 'S',
			.begin = begin,
		};
		char *copied;

		n = n < len ? n : len;
		/* on the heap: reading beyond it is seen */
		copied = malloc(n + 1);
		assert_non_null(copied);
		memcpy(copied, bytes.begin, n);
		p.bytes = bytes_of(copied, n);
		bytes.begin += n;
		p.end = bytes_len(bytes) == 0;
		(void)sensor_piece(b->scanner, c, b->uses, &p);
		free(copied);
		begin = false;
	} while (bytes_len(bytes) > 0);
}

/* seed: NULL: whole. */
void play(struct sensor_bench *b, const struct sensor_row *r, uint64_t *seed,
	  uint32_t most)
{
	uint32_t c = sensor_open(b->scanner);
	struct {
		enum proto_field f;
		const char *text;
	} said[] = {
		{ FIELD_HTTP_URI_RAW, r->url },
		{ FIELD_HTTP_HEADER, r->header },
		{ FIELD_HTTP_REQUEST_BODY, r->request },
		{ FIELD_SQL_TEXT, r->sql },
		{ FIELD_HTTP_RESPONSE_BODY, r->response },
	};

	assert_true(c > 0);
	b->heard = (struct sensor_heard){ 0 };
	sensor_known(b->scanner, c, APP_HTTP);
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		if (!said[i].text)
			continue;
		if (seed && proto_field_in_pieces(said[i].f))
			say_cut(b, c, said[i].f, text_of(said[i].text), seed,
				most);
		else
			say_whole(b, c, said[i].f, text_of(said[i].text));
	}
	(void)sensor_ended(b->scanner, c, b->uses, PROTO_CLIENT);
	(void)sensor_ended(b->scanner, c, b->uses, PROTO_SERVER);
	(void)sensor_close(b->scanner, c, b->uses);
}

static int by_word(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Words in order: which pattern is tried first is no one's concern. */
const char *sorted(const char *text, char to[static 1024])
{
	char copied[1024], *words[64], *word, *rest = NULL;
	size_t n = 0;

	(void)snprintf(copied, sizeof copied, "%s", text);
	for (word = strtok_r(copied, " ", &rest); word && n < 64;
	     word = strtok_r(NULL, " ", &rest))
		words[n++] = word;
	qsort(words, n, sizeof *words, by_word);
	to[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(to);

		(void)snprintf(to + len, 1024 - len, "%s ", words[i]);
	}
	return to;
}
