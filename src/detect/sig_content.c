/*
 * Keywords about bytes of a buffer. Each of them is an item of the group of the
 * current buffer; modifiers change the item before them.
 */
#include <stdlib.h>
#include <string.h>

#include "detect/sig_names.h"
#include "detect/sig_read.h"

/* The group of that buffer, transformed so; it is made if need be. -1: refused */
static int group_of(struct sig_reader *r, unsigned buffer,
		    const uint8_t *transforms, unsigned n_transforms)
{
	struct sig_group *g;

	for (int i = 0; i < r->s->n_groups; i++) {
		g = &r->groups[i];
		if (g->buffer == buffer && g->n_transforms == n_transforms &&
		    memcmp(g->transforms, transforms, n_transforms) == 0)
			return i;
	}
	if (r->s->n_groups == SIG_GROUPS_MAX) {
		(void)sig_refuse(r, "more than %d buffers", SIG_GROUPS_MAX);
		return -1;
	}
	g = &r->groups[r->s->n_groups];
	*g = (struct sig_group){ .buffer = (uint8_t)buffer,
				 .n_transforms = (uint8_t)n_transforms };
	memcpy(g->transforms, transforms, n_transforms);
	return r->s->n_groups++;
}

static struct sig_item *add_to(struct sig_reader *r, int group,
			       enum sig_item_kind kind)
{
	struct sig_group *g = &r->groups[group];
	struct sig_item *item;

	if (g->n_items == SIG_ITEMS_MAX) {
		(void)sig_refuse(r, "more than %d things asked of %s",
				 SIG_ITEMS_MAX, sig_buffer_name(g->buffer));
		return NULL;
	}
	item = &r->items[group][g->n_items++];
	*item = (struct sig_item){ .kind = (uint8_t)kind };
	r->last = NULL;
	return item;
}

struct sig_item *sig_add_item_to(struct sig_reader *r, unsigned buffer,
				 enum sig_item_kind kind)
{
	int group = group_of(r, buffer, (const uint8_t[]){ 0 }, 0);

	return group < 0 ? NULL : add_to(r, group, kind);
}

struct sig_item *sig_add_item(struct sig_reader *r, enum sig_item_kind kind)
{
	if (r->in_base64) {
		if (r->n_after == SIG_ITEMS_MAX) {
			(void)sig_refuse(r, "more than %d things asked",
					 SIG_ITEMS_MAX);
			return NULL;
		}
		r->after[r->n_after] =
			(struct sig_item){ .kind = (uint8_t)kind };
		r->last = NULL;
		return &r->after[r->n_after++];
	}
	if (r->group < 0)
		r->group =
			group_of(r, r->buffer, r->transforms, r->n_transforms);
	return r->group < 0 ? NULL : add_to(r, r->group, kind);
}

bool sig_unquote(struct sig_reader *r, char *value, bool *ret_not, char **ret)
{
	size_t len;

	*ret_not = *value == '!';
	if (*ret_not)
		value = sig_trim(value + 1);
	len = strlen(value);
	if (len < 2 || *value != '"' || value[len - 1] != '"') {
		(void)sig_refuse(r, "\"text\" in quotes expected");
		return false;
	}
	value[len - 1] = 0;
	*ret = value + 1;
	return true;
}

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "|0d 0A|" up to the second bar; *at is behind it. */
static bool read_hex(struct sig_reader *r, const char **at, uint8_t *to,
		     size_t *n)
{
	const char *c = *at + 1;

	while (*c && *c != '|') {
		int high, low;

		if (*c == ' ') {
			c++;
			continue;
		}
		high = hex_of(c[0]);
		low = high < 0 ? -1 : hex_of(c[1]);
		if (low < 0)
			return sig_refuse(r, "two hex digits for each byte "
					     "expected between bars");
		if (*n == SIG_CONTENT_MAX)
			return sig_refuse(r, "longer than %d bytes",
					  SIG_CONTENT_MAX);
		to[(*n)++] = (uint8_t)(high << 4 | low);
		c += 2;
	}
	*at = c + 1;
	return *c == '|' || sig_refuse(r, "a bar | without its second one");
}

/* Text with |hex| and \" \; \: \\ in it, to bytes. */
static bool read_pattern(struct sig_reader *r, const char *text,
			 struct sig_item *item)
{
	uint8_t bytes[SIG_CONTENT_MAX];
	size_t n = 0;

	while (*text) {
		if (*text == '|') {
			if (!read_hex(r, &text, bytes, &n))
				return false;
			continue;
		}
		if (*text == '\\') {
			text++;
			if (!*text || !strchr("\"\\;:|", *text))
				return sig_refuse(r, "\\ stands before one of "
						     "\" ; : | \\ only");
		}
		if (n == SIG_CONTENT_MAX)
			return sig_refuse(r, "longer than %d bytes",
					  SIG_CONTENT_MAX);
		bytes[n++] = (uint8_t)*text++;
	}
	if (n == 0)
		return sig_refuse(r, "it is empty");
	item->bytes = (uint8_t *)sig_keep(r, (const char *)bytes, n);
	item->len = (uint16_t)n;
	return item->bytes != NULL;
}

bool sig_read_content(struct sig_reader *r, char *value)
{
	struct sig_item *item = sig_add_item(r, SIG_CONTENT);
	char *text = NULL;

	if (!item || !sig_unquote(r, value, &item->negated, &text) ||
	    !read_pattern(r, text, item))
		return false;
	r->last = item;
	return true;
}

static struct sig_item *the_last(struct sig_reader *r)
{
	if (!r->last)
		(void)sig_refuse(r, "it stands behind no content");
	return r->last;
}

bool sig_read_nocase(struct sig_reader *r, char *value)
{
	struct sig_item *c = the_last(r);

	if (c)
		c->nocase = true;
	return c != NULL;
}

bool sig_read_rawbytes(struct sig_reader *r, char *value)
{
	struct sig_item *c = the_last(r);

	if (c)
		c->rawbytes = true;
	return c != NULL;
}

/* Is it about the beginning of the buffer, and relative to what was before? */
static bool check_ends(struct sig_reader *r, const struct sig_item *c)
{
	bool absolute = c->has_offset || c->has_depth || c->startswith;

	if (absolute && (c->has_distance || c->has_within))
		return sig_refuse(r, "offset, depth, startswith do not go with "
				     "distance, within");
	if (c->startswith && (c->has_offset || c->has_depth))
		return sig_refuse(r, "startswith does not go with offset, "
				     "depth");
	return true;
}

bool sig_read_startswith(struct sig_reader *r, char *value)
{
	struct sig_item *c = the_last(r);

	if (!c)
		return false;
	c->startswith = true;
	return check_ends(r, c);
}

bool sig_read_endswith(struct sig_reader *r, char *value)
{
	struct sig_item *c = the_last(r);

	if (c)
		c->endswith = true;
	return c != NULL;
}

bool sig_read_fast_pattern(struct sig_reader *r, char *value)
{
	struct sig_item *c = the_last(r);
	int64_t offset, len;
	char *word;

	if (!c)
		return false;
	for (int i = 0; i < r->s->n_groups; i++)
		for (int k = 0; k < r->groups[i].n_items; k++)
			if (r->items[i][k].fast)
				return sig_refuse(r, "the rule has one "
						     "already");
	if (c->negated)
		return sig_refuse(r, "it is of a content without !");
	if (!value || strcmp(value, "only") == 0) {
		c->fast = value ? SIG_FAST_ONLY : SIG_FAST_WHOLE;
		return true;
	}
	word = sig_next_word(&value);
	if (!word || !sig_read_number(word, 0, c->len - 1, &offset) ||
	    !(word = sig_next_word(&value)) ||
	    !sig_read_number(word, 1, c->len - offset, &len) ||
	    sig_next_word(&value))
		return sig_refuse(r, "\"only\" or \"offset,length\" within the "
				     "content expected");
	c->fast = SIG_FAST_CHOP;
	c->chop_offset = (uint16_t)offset;
	c->chop_len = (uint16_t)len;
	return true;
}

uint8_t sig_variable_of(const struct sig_reader *r, const char *name)
{
	for (uint8_t i = 0; i < r->s->n_variables; i++)
		if (strcmp(r->variables[i], name) == 0)
			return (uint8_t)(i + 1);
	return 0;
}

static bool read_place(struct sig_reader *r, const char *word, int64_t min,
		       int64_t max, struct sig_number *ret)
{
	int64_t n;

	if (sig_read_number(word, min, max, &n)) {
		*ret = (struct sig_number){ .value = (int32_t)n };
		return true;
	}
	ret->value = 0;
	ret->variable = sig_variable_of(r, word);
	return ret->variable != 0 ||
	       sig_refuse(r,
			  "\"%s\" is no number, %lld..%lld, and no name of "
			  "byte_extract",
			  word, (long long)min, (long long)max);
}

bool sig_read_offset(struct sig_reader *r, char *value)
{
	struct sig_item *c = the_last(r);

	if (!c || !read_place(r, value, 0, 65535, &c->offset))
		return false;
	c->has_offset = true;
	return check_ends(r, c);
}

bool sig_read_depth(struct sig_reader *r, char *value)
{
	struct sig_item *c = the_last(r);

	if (!c || !read_place(r, value, 0, 65535, &c->depth))
		return false;
	c->has_depth = true;
	if (!c->depth.variable && c->depth.value < c->len)
		return sig_refuse(r,
				  "the content has %u bytes: it never "
				  "matches",
				  c->len);
	return check_ends(r, c);
}

bool sig_read_distance(struct sig_reader *r, char *value)
{
	struct sig_item *c = the_last(r);

	if (!c || !read_place(r, value, -65535, 65535, &c->distance))
		return false;
	c->has_distance = c->relative = true;
	return check_ends(r, c);
}

bool sig_read_within(struct sig_reader *r, char *value)
{
	struct sig_item *c = the_last(r);

	if (!c || !read_place(r, value, 0, 65535, &c->within))
		return false;
	c->has_within = c->relative = true;
	if (!c->within.variable && c->within.value < c->len)
		return sig_refuse(r,
				  "the content has %u bytes: it never "
				  "matches",
				  c->len);
	return check_ends(r, c);
}

/* Letters that name a buffer, as in Suricata. */
static unsigned pcre_buffer(char letter)
{
	switch (letter) {
	case 'U': return FIELD_HTTP_URI;
	case 'I': return FIELD_HTTP_URI_RAW;
	case 'P': return FIELD_HTTP_REQUEST_BODY;
	case 'Q': return FIELD_HTTP_RESPONSE_BODY;
	case 'H': return FIELD_HTTP_HEADER;
	case 'M': return FIELD_HTTP_METHOD;
	case 'C': return FIELD_HTTP_COOKIE;
	case 'S': return FIELD_HTTP_STAT_CODE;
	case 'Y': return FIELD_HTTP_STAT_MSG;
	case 'V': return FIELD_HTTP_USER_AGENT;
	case 'W': return FIELD_HTTP_HOST;
	default: return SIG_BUFFER__MAX;
	}
}

/* Flags behind the expression: PCRE's to kept, R and buffers to the others. */
static bool read_pcre_flags(struct sig_reader *r, const char *flags,
			    char kept[static 16], bool *ret_relative,
			    unsigned *ret_buffer)
{
	size_t n = 0;

	for (; *flags; flags++) {
		unsigned buffer = pcre_buffer(*flags);

		if (*flags == 'R') {
			*ret_relative = true;
		} else if (buffer != SIG_BUFFER__MAX) {
			if (*ret_buffer != SIG_BUFFER__MAX)
				return sig_refuse(r, "two buffers");
			*ret_buffer = buffer;
		} else if (!strchr("ismxAEGBO", *flags)) {
			return sig_refuse(r, "no flag \"%c\" here", *flags);
		} else if (n < 15 && !memchr(kept, *flags, n)) {
			kept[n++] = *flags;
		}
	}
	kept[n] = 0;
	return true;
}

bool sig_read_pcre(struct sig_reader *r, char *value)
{
	bool negated, relative = false;
	unsigned buffer = SIG_BUFFER__MAX;
	struct sig_item *item;
	char *text = NULL, *slash, kept[16];

	if (!sig_unquote(r, value, &negated, &text))
		return false;
	slash = strrchr(text, '/');
	if (*text != '/' || slash == text)
		return sig_refuse(r, "\"/expression/flags\" expected");
	if (!read_pcre_flags(r, slash + 1, kept, &relative, &buffer))
		return false;
	if (slash - text - 1 > SIG_PCRE_MAX)
		return sig_refuse(r, "longer than %d bytes", SIG_PCRE_MAX);
	item = buffer == SIG_BUFFER__MAX ? sig_add_item(r, SIG_PCRE)
					 : sig_add_item_to(r, buffer, SIG_PCRE);
	if (!item)
		return false;
	item->negated = negated;
	item->relative = relative;
	item->len = (uint16_t)(slash - text - 1);
	item->bytes = (uint8_t *)sig_keep(r, text + 1, item->len);
	item->pcre_flags = sig_keep(r, kept, strlen(kept));
	return item->bytes && item->pcre_flags;
}

bool sig_read_isdataat(struct sig_reader *r, char *value)
{
	struct sig_item *item = sig_add_item(r, SIG_ISDATAAT);
	char *word;

	if (!item)
		return false;
	item->negated = *value == '!';
	value += item->negated;
	word = sig_next_word(&value);
	if (!word)
		return sig_refuse(r, "a number expected");
	if (!read_place(r, word, 0, 65535, &item->offset))
		return false;
	while ((word = sig_next_word(&value))) {
		if (strcmp(word, "relative") == 0)
			item->relative = true;
		else if (strcmp(word, "rawbytes") == 0)
			item->rawbytes = true;
		else
			return sig_refuse(r, "no word \"%s\" here", word);
	}
	return true;
}

bool sig_read_bsize(struct sig_reader *r, char *value)
{
	struct sig_item *item = sig_add_item(r, SIG_BSIZE);

	return item && sig_read_range(r, value, UINT32_MAX, &item->lo,
				      &item->hi, &item->negated);
}

bool sig_read_base64_decode(struct sig_reader *r, char *value)
{
	struct sig_item *item;
	char *word;
	int64_t n;

	if (r->in_base64 || r->after_group >= 0)
		return sig_refuse(r, "the rule has one already");
	item = sig_add_item(r, SIG_BASE64);
	if (!item)
		return false;
	r->after_group = r->group;
	while ((word = sig_next_word(&value))) {
		if (strcmp(word, "relative") == 0) {
			item->relative = true;
		} else if (strncmp(word, "bytes", 5) == 0 &&
			   sig_read_number(sig_trim(word + 5), 1, 65535, &n)) {
			item->lo = (uint32_t)n;
		} else if (strncmp(word, "offset", 6) == 0 &&
			   sig_read_number(sig_trim(word + 6), 0, 65535, &n)) {
			item->offset.value = (int32_t)n;
		} else {
			return sig_refuse(r, "no \"%s\" here", word);
		}
	}
	return true;
}

bool sig_read_base64_data(struct sig_reader *r, char *value)
{
	if (r->after_group < 0)
		return sig_refuse(r, "there is no base64_decode before it");
	r->in_base64 = true;
	r->last = NULL;
	return true;
}

/* The content before it goes to the other buffer's group. */
static bool move_last(struct sig_reader *r, unsigned buffer)
{
	struct sig_item *c = the_last(r), *moved;
	struct sig_group *from;
	struct sig_item copy;

	if (!c)
		return false;
	if (r->in_base64 || r->group < 0 ||
	    r->groups[r->group].buffer != SIG_BUFFER_PAYLOAD)
		return sig_refuse(r, "the content belongs to %s already",
				  r->in_base64 ? "base64_data"
					       : sig_buffer_name(r->buffer));
	copy = *c;
	from = &r->groups[r->group];
	from->n_items--;
	moved = sig_add_item_to(r, buffer, SIG_CONTENT);
	if (!moved)
		return false;
	*moved = copy;
	r->last = moved;
	/* a payload of which nothing is asked is none: dropped at the end */
	return true;
}

bool sig_read_buffer(struct sig_reader *r, unsigned buffer, bool modifier)
{
	if (modifier)
		return move_last(r, buffer);
	r->buffer = (uint8_t)buffer;
	r->n_transforms = 0;
	r->group = -1;
	r->in_base64 = false;
	r->last = NULL;
	return true;
}

bool sig_read_transform(struct sig_reader *r, enum sig_transform t)
{
	if (r->buffer == SIG_BUFFER_PAYLOAD)
		return sig_refuse(r, "it stands behind no buffer's name");
	if (r->group >= 0 || r->in_base64)
		return sig_refuse(r, "it stands before the buffer's contents");
	if (r->n_transforms == SIG_TRANSFORMS_MAX)
		return sig_refuse(r, "more than %d of them",
				  SIG_TRANSFORMS_MAX);
	r->transforms[r->n_transforms++] = (uint8_t)t;
	return true;
}
