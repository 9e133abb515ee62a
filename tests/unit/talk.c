#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "proto/parsers.h"

struct talk {
	struct dialogue_pool *pool;
	struct dialogue_pool *spare; /* NULL, or where it was before */
	uint32_t handle;
	bool udp;
	unsigned refuse, asked;
	bool stopped;
	/* What a side has said that was not consumed: as flow/stream.h keeps. */
	struct unread {
		uint8_t *begin;
		size_t len;
		bool gap;
	} unread[PROTO_SIDE__MAX];
	/* The field in pieces that is open; FIELD__MAX: none. */
	unsigned open[PROTO_SIDE__MAX];
	char *pieces[PROTO_SIDE__MAX];
	size_t pieces_len[PROTO_SIDE__MAX];
	uint64_t unwanted[(FIELD__MAX + 63) / 64];
	const struct proto_parser *parser; /* who told last */
	enum dialogue_state told;
	size_t len;
	char text[TALK_TEXT_MAX];
};

const struct proto_parser *talk_parser;

/* Its bit as a candidate. */
static uint64_t bit_of(const struct proto_parser *p)
{
	unsigned i = 0;

	while (proto_parser_at(i) != p)
		i++;
	return (uint64_t)1 << i;
}

static char letter(unsigned side)
{
	return side == PROTO_CLIENT ? 'C' : 'S';
}

static void put(struct talk *t, const char *s)
{
	size_t len = strlen(s);

	if (t->len + len >= sizeof t->text)
		return;
	memcpy(t->text + t->len, s, len + 1);
	t->len += len;
}

static void put_bytes(struct talk *t, struct bytes b)
{
	char word[8];

	for (; bytes_len(b) > 0; b.begin++) {
		uint8_t c = *b.begin;
		const char *form = c < ' ' || c > '~' || c == '\\' ? "\\x%02x"
								   : "%c";

		(void)snprintf(word, sizeof word, form, c);
		put(t, word);
	}
}

static void put_line(struct talk *t, unsigned side, const char *word)
{
	char head[4] = { letter(side), ' ', 0 };

	put(t, head);
	put(t, word);
	put(t, "\n");
}

static void put_field(struct talk *t, const struct proto_piece *p,
		      struct bytes all)
{
	char head[4] = { letter(p->side), ' ', 0 };

	put(t, head);
	put(t, proto_field_name((enum proto_field)p->field));
	put(t, " ");
	put_bytes(t, all);
	put(t, p->unseen ? "?\n" : p->cut ? "~\n" : "\n");
}

/* By now it must be known who speaks. */
static void tell_app(struct talk *t)
{
	const struct proto_parser *p = dialogue_recognised(t->pool, t->handle),
				  *reads = dialogue_parser(t->pool, t->handle);

	/* who reads on begins with nothing that another one has left open */
	BUG_ON(t->parser && reads != t->parser &&
	       (t->open[PROTO_CLIENT] != FIELD__MAX ||
		t->open[PROTO_SERVER] != FIELD__MAX));
	t->parser = reads;
	if (t->told != DIALOGUE_OPENING || !p)
		return;
	t->told = DIALOGUE_READING;
	put(t, "app ");
	put(t, p->name);
	put(t, "\n");
}

static bool piece(void *arg, const struct proto_piece *p)
{
	char who = proto_field_side((enum proto_field)p->field);
	struct talk *t = arg;
	unsigned *open;

	BUG_ON(t->stopped || p->field >= FIELD__MAX);
	BUG_ON(t->unwanted[p->field / 64] >> (p->field % 64) & 1);
	BUG_ON(p->side >= PROTO_SIDE__MAX);
	BUG_ON(who != 'B' && who != letter(p->side));
	BUG_ON(!proto_field_is_of((enum proto_field)p->field,
				  dialogue_parser(t->pool, t->handle)->name));
	open = &t->open[p->side];
	tell_app(t);
	if (!proto_field_in_pieces((enum proto_field)p->field)) {
		BUG_ON(!p->begin || !p->end);
		BUG_ON(bytes_len(p->bytes) > FIELD_BYTES_MAX);
		put_field(t, p, p->bytes);
		return true;
	}
	/* one at a time of a side, from its first piece to its last */
	BUG_ON(p->begin != (*open == FIELD__MAX));
	BUG_ON(!p->begin && *open != p->field);
	*open = p->end ? FIELD__MAX : p->field;
	if (p->begin)
		t->pieces_len[p->side] = 0;
	t->pieces[p->side] =
		realloc(t->pieces[p->side],
			t->pieces_len[p->side] + bytes_len(p->bytes) + 1);
	BUG_ON(!t->pieces[p->side]);
	if (bytes_len(p->bytes) > 0)
		memcpy(t->pieces[p->side] + t->pieces_len[p->side],
		       p->bytes.begin, bytes_len(p->bytes));
	t->pieces_len[p->side] += bytes_len(p->bytes);
	if (p->end)
		put_field(t, p,
			  bytes_of(t->pieces[p->side], t->pieces_len[p->side]));
	return true;
}

static bool note(void *arg, enum proto_side side, enum proto_note n)
{
	struct talk *t = arg;
	char word[64];

	BUG_ON(t->stopped || n >= NOTE__MAX);
	tell_app(t);
	(void)snprintf(word, sizeof word, "note %s", proto_note_name(n));
	put_line(t, side, word);
	return true;
}

static bool asked(void *arg)
{
	struct talk *t = arg;

	BUG_ON(t->stopped);
	tell_app(t);
	t->stopped = ++t->asked == t->refuse;
	put(t, t->stopped ? "asked: no\n" : "asked\n");
	return !t->stopped;
}

static bool ended(void *arg, enum proto_side side)
{
	struct talk *t = arg;

	BUG_ON(t->stopped);
	tell_app(t);
	put_line(t, side, "ended");
	return true;
}

static bool known(void *arg, uint32_t app)
{
	struct talk *t = arg;

	BUG_ON(t->stopped || !app_name(app));
	tell_app(t);
	put(t, "known ");
	put(t, app_name(app));
	put(t, "\n");
	return true;
}

static struct dialogue_pool *new_pool(void)
{
	static const struct dialogue_limits limits = { 1, 1 };
	struct dialogue_pool *p = dialogue_pool_new(&limits, 7);

	BUG_ON(!p);
	if (talk_parser)
		dialogue_pool_ask(p, bit_of(talk_parser));
	return p;
}

struct talk *talk_new(bool udp, bool midstream)
{
	struct talk *t = calloc(1, sizeof *t);

	BUG_ON(!t);
	t->udp = udp;
	t->pool = new_pool();
	t->handle = dialogue_open(t->pool, udp, midstream, 0);
	t->open[PROTO_CLIENT] = t->open[PROTO_SERVER] = FIELD__MAX;
	return t;
}

void talk_free(struct talk *t)
{
	for (int side = 0; side < PROTO_SIDE__MAX; side++) {
		free(t->unread[side].begin);
		free(t->pieces[side]);
	}
	dialogue_close(t->pool, t->handle);
	BUG_ON(dialogue_counts(t->pool).in_use ||
	       dialogue_counts(t->pool).large);
	dialogue_pool_free(t->pool);
	dialogue_pool_free(t->spare);
	free(t);
}

bool talk_hand_over(struct talk *t)
{
	struct dialogue_counts was = dialogue_counts(t->pool), is;
	struct dialogue_pool *next = t->spare ? t->spare : new_pool();
	struct image_writer w;
	struct image_reader r;
	uint8_t *memory;

	image_write(&w, NULL, 0);
	dialogue_pool_save(t->pool, &w);
	memory = calloc(1, w.len);
	BUG_ON(!memory);
	image_write(&w, memory, w.len);
	dialogue_pool_save(t->pool, &w);
	BUG_ON(image_written(&w) != 0 || image_read(&r, memory, w.len) != 0);
	dialogue_close(t->pool, t->handle);
	t->spare = t->pool;
	t->pool = next;
	BUG_ON(!dialogue_pool_load(t->pool, &r));
	free(memory);
	is = dialogue_counts(t->pool);
	was.bodies_cut = is.bodies_cut;
	BUG_ON(memcmp(&was, &is, sizeof is) != 0);
	return is.bodies_cut == 0;
}

struct dialogue_counts talk_counts(const struct talk *t)
{
	return dialogue_counts(t->pool);
}

void talk_only(struct talk *t, const struct proto_parser *p)
{
	dialogue_begin(t->pool, t->handle, p);
}

void talk_refuse(struct talk *t, unsigned nth)
{
	t->refuse = nth;
}

void talk_unwanted(struct talk *t, enum proto_field f)
{
	t->unwanted[f / 64] |= (uint64_t)1 << (f % 64);
}

/* The dialogue is shown all that is unread of the side. */
static void show(struct talk *t, enum proto_side side, bool last)
{
	struct proto_sink sink = { piece, note, asked, ended, known, t, { 0 } };
	struct unread *u = &t->unread[side];
	struct proto_chunk c = {
		.bytes = bytes_of(u->begin, u->len),
		.side = (uint8_t)side,
		.gap_before = u->gap,
		.last = last,
	};
	enum dialogue_state state;
	size_t consumed;

	memcpy(sink.unwanted, t->unwanted, sizeof sink.unwanted);
	consumed = dialogue_read(t->pool, t->handle, &c, &sink);
	state = dialogue_state(t->pool, t->handle);
	BUG_ON(consumed > u->len || (t->udp && consumed != u->len));
	u->gap = false;
	u->len -= consumed;
	if (u->len)
		memmove(u->begin, u->begin + consumed, u->len);
	tell_app(t);
	if (state == t->told || state == DIALOGUE_OPENING)
		return;
	t->told = state;
	if (state == DIALOGUE_UNKNOWN)
		put(t, "unknown\n");
	else if (state == DIALOGUE_OVER)
		put(t, dialogue_counts(t->pool).lost ? "lost\n" : "over\n");
}

void talk_say(struct talk *t, enum proto_side side, struct bytes b)
{
	struct unread *u = &t->unread[side];
	size_t len = bytes_len(b);
	/* exactly as long as it is, so that ASan sees who reads beyond */
	uint8_t *all = malloc(u->len + len ? u->len + len : 1);

	BUG_ON(!all);
	/* a datagram that is refused ends nothing */
	t->stopped &= !t->udp;
	if (u->len)
		memcpy(all, u->begin, u->len);
	if (len)
		memcpy(all + u->len, b.begin, len);
	free(u->begin);
	u->begin = all;
	u->len += len;
	show(t, side, false);
}

void talk_gap(struct talk *t, enum proto_side side)
{
	t->unread[side].gap = true;
	t->unread[side].len = 0;
}

void talk_end(struct talk *t, enum proto_side side)
{
	show(t, side, true);
}

const char *talk_heard(struct talk *t)
{
	return t->text;
}
