#include "export/item.h"

#include <stdlib.h>
#include <string.h>

#include "wire/words.h"

static const struct {
	const char *name, *eve;
} kinds[ITEM_KIND__MAX] = {
#define X(name, text, eve) [ITEM_##name] = { text, eve },
	ITEM_KINDS(X)
#undef X
};

const char *item_kind_name(enum item_kind k)
{
	return kinds[k].name;
}

const char *item_eve_name(enum item_kind k)
{
	return kinds[k].eve;
}

uint32_t item_kinds_of(const char *word)
{
	uint32_t found = 0;

	if (strcmp(word, "all") == 0)
		return ITEMS_ALL;
	for (unsigned k = 0; k < ITEM_KIND__MAX; k++)
		if (strcmp(kinds[k].name, word) == 0 ||
		    strcmp(kinds[k].eve, word) == 0)
			found |= 1u << k;
	return found;
}

enum item_kind item_kind_by_name(const char *name)
{
	unsigned k = 0;

	while (k < ITEM_KIND__MAX && strcmp(kinds[k].name, name) != 0)
		k++;
	return (enum item_kind)k;
}

uint8_t item_severity_by_name(const char *name)
{
	for (uint8_t s = 1; s <= 5; s++)
		if (strcmp(severity_name(s), name) == 0)
			return s;
	return 0;
}

struct item *item_new(void)
{
	struct item *i = calloc(1, sizeof *i);

	if (i)
		atomic_init(&i->count, 1);
	return i;
}

struct item *item_get(struct item *i)
{
	atomic_fetch_add(&i->count, 1);
	return i;
}

void item_put(struct item *i)
{
	if (!i || atomic_fetch_sub(&i->count, 1) > 1)
		return;
	free(i->json);
	free(i->text);
	free(i);
}

size_t item_size(const struct item *i)
{
	return sizeof *i + i->json_len + (i->text ? strlen(i->text) : 0);
}
