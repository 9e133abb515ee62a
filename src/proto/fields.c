#include "proto/fields.h"

#include <string.h>

enum field_side { SIDE_C = 'C', SIDE_S = 'S', SIDE_B = 'B' };
enum field_form { FORM_W, FORM_P };

static const struct {
	const char *name, *text;
	char side;
	bool in_pieces;
} fields[] = {
#define X(id, word, who, how, what) { word, what, SIDE_##who, FORM_##how },
	PROTO_FIELDS(X)
#undef X
};
_Static_assert(sizeof fields / sizeof *fields == FIELD__MAX, "one each");

static const struct {
	const char *name, *text;
} notes[] = {
#define X(id, word, what) { word, what },
	PROTO_NOTES(X)
#undef X
};
_Static_assert(sizeof notes / sizeof *notes == NOTE__MAX, "one each");

const char *proto_field_name(enum proto_field f)
{
	return fields[f].name;
}

enum proto_field proto_field_by_name(const char *name)
{
	unsigned i = 0;

	while (i < FIELD__MAX && strcmp(fields[i].name, name) != 0)
		i++;
	return (enum proto_field)i;
}

const char *proto_field_text(enum proto_field f)
{
	return fields[f].text;
}

char proto_field_side(enum proto_field f)
{
	return fields[f].side;
}

/* Fields that are not called by who tells them: what stands before the dot. */
static const struct {
	const char *prefix;
	const char *parsers[9];
} told_by[] = {
	{ "http", { "http", "http2" } },
	{ "grpc", { "http2" } },
	{ "tls", { "tls", "quic" } },
	{ "ja3", { "tls", "quic" } },
	{ "ja3s", { "tls", "quic" } },
	{ "ja4", { "tls", "quic" } },
	{ "sql",
	  { "mysql", "postgresql", "mssql", "oracle", "cassandra", "redis",
	    "memcached", "couchbase" } },
	{ "memcached", { "memcached", "couchbase" } },
};

bool proto_field_is_of(enum proto_field f, const char *parser)
{
	const char *name = fields[f].name;
	size_t len = strcspn(name, ".");

	for (size_t i = 0; i < sizeof told_by / sizeof *told_by; i++) {
		if (strlen(told_by[i].prefix) != len ||
		    memcmp(told_by[i].prefix, name, len) != 0)
			continue;
		for (size_t k = 0; told_by[i].parsers[k]; k++)
			if (strcmp(told_by[i].parsers[k], parser) == 0)
				return true;
		return false;
	}
	return strlen(parser) == len && memcmp(parser, name, len) == 0;
}

bool proto_field_in_pieces(enum proto_field f)
{
	return fields[f].in_pieces;
}

const char *proto_note_name(enum proto_note n)
{
	return notes[n].name;
}

enum proto_note proto_note_by_name(const char *name)
{
	unsigned i = 0;

	while (i < NOTE__MAX && strcmp(notes[i].name, name) != 0)
		i++;
	return (enum proto_note)i;
}

const char *proto_note_text(enum proto_note n)
{
	return notes[n].text;
}
