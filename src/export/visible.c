#include "export/visible.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

static bool has_hidden(const char *s)
{
	unsigned c;

	while (*s && !utf8_hidden(s, &c))
		s++;
	return *s;
}

char *visible_json(char *json)
{
	struct text t = { 0 };

	/* of most nothing is to be changed */
	if (!json || !has_hidden(json))
		return json;
	for (const char *s = json; *s;) {
		unsigned c;
		size_t n = utf8_hidden(s, &c);

		if (n)
			text_addf(&t, "\\u%04x", c);
		else
			text_add(&t, s, 1);
		s += n ? n : 1;
	}
	free(json);
	return text_take(&t);
}

void visible_line(char *text)
{
	char *to = text;

	while (*text) {
		unsigned c;
		size_t n = utf8_hidden(text, &c);

		*to++ = n == 0 ? *text : c < 0x20 ? ' ' : '.';
		text += n ? n : 1;
	}
	*to = '\0';
}
