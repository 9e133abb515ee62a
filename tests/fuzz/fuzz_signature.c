/*
 * Any text as rules: each is taken or refused with its place, and what was
 * taken is the same when it is printed and read again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "detect/sig_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_same(const struct signature *s)
{
	static char text[4 * SIG_RULE_BYTES_MAX], again[sizeof text];
	struct sig_list *l = sig_list_new();
	struct err err = { 0 };

	BUG_ON(!l);
	/* what is written in another way may be longer than is allowed */
	if (sig_print(s, text, sizeof text) &&
	    strlen(text) <= SIG_RULE_BYTES_MAX) {
		BUG_ON(sig_list_text(l, "again", text, strlen(text), &err) !=
		       0);
		BUG_ON(sig_list_len(l) != 1);
		BUG_ON(!sig_print(sig_list_at(l, 0), again, sizeof again));
		BUG_ON(strcmp(text, again) != 0);
	}
	sig_list_free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sig_list *l = sig_list_new();
	char *text = malloc(len ? len : 1);
	struct err err = { 0 };

	BUG_ON(!l || !text);
	memcpy(text, data, len);
	BUG_ON(sig_list_text(l, "fuzz", text, len, &err) != 0);
	for (size_t i = 0; i < sig_list_faults(l); i++) {
		const struct sig_fault *f = sig_list_fault(l, i);

		BUG_ON(f->line == 0 || f->column == 0 || !f->text[0]);
	}
	for (size_t i = 0; i < sig_list_len(l); i++)
		check_same(sig_list_at(l, i));
	free(text);
	sig_list_free(l);
	return 0;
}
