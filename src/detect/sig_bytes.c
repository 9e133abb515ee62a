/* byte_test, byte_jump, byte_extract. */
#include <stdlib.h>
#include <string.h>

#include "detect/sig_read.h"

/* "multiplier 4" and the like. */
static bool named_number(const char *word, const char *name, int64_t min,
			 int64_t max, int64_t *ret)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) == 0 && word[len] == ' ' &&
	       sig_read_number(word + len + 1, min, max, ret);
}

static bool read_flag(struct sig_byte *b, struct sig_item *item,
		      const char *word)
{
	if (strcmp(word, "relative") == 0)
		item->relative = true;
	else if (strcmp(word, "little") == 0)
		b->little = true;
	else if (strcmp(word, "big") == 0)
		b->little = false;
	else if (strcmp(word, "string") == 0)
		b->string = true;
	else if (strcmp(word, "hex") == 0)
		b->base = 16;
	else if (strcmp(word, "dec") == 0)
		b->base = 10;
	else if (strcmp(word, "oct") == 0)
		b->base = 8;
	else
		return false;
	return true;
}

static bool read_jump_flag(struct sig_reader *r, struct sig_byte *b,
			   const char *word)
{
	int64_t n;

	if (strcmp(word, "align") == 0)
		b->align = 4;
	else if (named_number(word, "align", 2, 4, &n) && n != 3)
		b->align = (uint8_t)n;
	else if (strcmp(word, "from_beginning") == 0)
		b->from_beginning = true;
	else if (strcmp(word, "from_end") == 0)
		b->from_end = true;
	else if (named_number(word, "multiplier", 1, 65535, &n))
		b->multiplier = (uint32_t)n;
	else if (named_number(word, "post_offset", -65535, 65535, &n))
		b->post_offset = (int32_t)n;
	else
		return sig_refuse(r, "no word \"%s\" here", word);
	return true;
}

static bool read_flags(struct sig_reader *r, struct sig_item *item, char *rest)
{
	struct sig_byte *b = &item->byte;
	char *word;
	int64_t n;

	b->multiplier = 1;
	while ((word = sig_next_word(&rest))) {
		if (read_flag(b, item, word))
			continue;
		if (named_number(word, "bitmask", 1, UINT32_MAX, &n))
			b->mask = (uint32_t)n;
		else if (item->kind == SIG_BYTE_TEST)
			return sig_refuse(r, "no word \"%s\" here", word);
		else if (!read_jump_flag(r, b, word))
			return false;
	}
	if (b->string && b->base == 0)
		b->base = 10;
	if (!b->string && (b->base != 0 || b->n_bytes > 8))
		return sig_refuse(r, "more than 8 bytes, and hex, dec, oct, "
				     "are of a string");
	if (item->kind == SIG_BYTE_EXTRACT &&
	    (b->from_beginning || b->from_end || b->post_offset))
		return sig_refuse(r, "it jumps nowhere");
	return true;
}

static bool read_count(struct sig_reader *r, char **rest, struct sig_byte *b,
		       int64_t min)
{
	const char *word = sig_next_word(rest);
	int64_t n;

	if (!word || !sig_read_number(word, min, 23, &n))
		return sig_refuse(r, "how many bytes, %lld..23, expected",
				  (long long)min);
	b->n_bytes = (uint8_t)n;
	return true;
}

static bool read_offset(struct sig_reader *r, char **rest,
			struct sig_item *item)
{
	const char *word = sig_next_word(rest);
	int64_t n;

	if (word && sig_read_number(word, -65535, 65535, &n))
		item->offset.value = (int32_t)n;
	else if (word)
		item->offset.variable = sig_variable_of(r, word);
	return item->offset.variable != 0 ||
	       (word && sig_read_number(word, -65535, 65535, &n)) ||
	       sig_refuse(r, "an offset expected");
}

static bool read_compare(struct sig_reader *r, const char *word,
			 struct sig_byte *b)
{
	static const char *const names[] = {
		[SIG_EQ] = "=",	 [SIG_LT] = "<",  [SIG_GT] = ">",
		[SIG_LE] = "<=", [SIG_GE] = ">=", [SIG_AND] = "&",
		[SIG_XOR] = "^",
	};

	if (word && *word == '!') {
		b->not = true;
		word++;
		if (*word == 0)
			word = "=";
	}
	for (unsigned i = 0; word && i < sizeof names / sizeof *names; i++) {
		if (strcmp(names[i], word) == 0) {
			b->compare = (uint8_t)i;
			return true;
		}
	}
	return sig_refuse(r, "one of = < > <= >= & ^ expected");
}

bool sig_read_byte_test(struct sig_reader *r, char *value)
{
	struct sig_item *item = sig_add_item(r, SIG_BYTE_TEST);
	const char *word;
	int64_t n;

	if (!item || !read_count(r, &value, &item->byte, 1) ||
	    !read_compare(r, sig_next_word(&value), &item->byte))
		return false;
	word = sig_next_word(&value);
	if (word && sig_read_number(word, 0, UINT32_MAX, &n))
		item->byte.against = (uint32_t)n;
	else if (!word ||
		 !(item->byte.against_variable = sig_variable_of(r, word)))
		return sig_refuse(r, "a number, or a name of byte_extract, "
				     "expected");
	return read_offset(r, &value, item) && read_flags(r, item, value);
}

bool sig_read_byte_jump(struct sig_reader *r, char *value)
{
	struct sig_item *item = sig_add_item(r, SIG_BYTE_JUMP);

	return item && read_count(r, &value, &item->byte, 0) &&
	       read_offset(r, &value, item) && read_flags(r, item, value);
}

bool sig_read_byte_extract(struct sig_reader *r, char *value)
{
	struct sig_item *item = sig_add_item(r, SIG_BYTE_EXTRACT);
	const char *name;

	if (!item || !read_count(r, &value, &item->byte, 1) ||
	    !read_offset(r, &value, item))
		return false;
	name = sig_next_word(&value);
	if (!name ||
	    sig_read_number(name, INT64_MIN, INT64_MAX, &(int64_t){ 0 }))
		return sig_refuse(r, "a name expected");
	item->byte.to = sig_variable_of(r, name);
	if (item->byte.to == 0) {
		if (r->s->n_variables == SIG_VARIABLES_MAX)
			return sig_refuse(r, "more than %d names",
					  SIG_VARIABLES_MAX);
		r->variables[r->s->n_variables] =
			sig_keep(r, name, strlen(name));
		if (!r->variables[r->s->n_variables])
			return false;
		item->byte.to = ++r->s->n_variables;
	}
	item->byte.to--;
	return read_flags(r, item, value);
}
