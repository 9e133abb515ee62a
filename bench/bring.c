/*
 * How long it takes to bring workloads in, without a command around it.
 *
 *   bring DEV=MARK...    diverts each host-side device in place, mode inline;
 *                        prints the microseconds that each took, in lines
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "net/inplace.h"

/* One word of the command line; it is taken apart. */
static uint64_t bring(char *word)
{
	struct inplace_spec spec = { .mode = INPLACE_INLINE };
	char *mark = strchr(word, '='), *end;
	struct inplace_stat ignored;
	struct err err;
	usec_t begun;

	if (!mark)
		die("expected DEV=MARK, got \"%s\"", word);
	*mark++ = '\0';
	spec.port.dev = word;
	spec.mark = (int)strtoul(mark, &end, 10);
	if (end == mark || *end || spec.mark < 0 || spec.mark > 0xffff)
		die("\"%s\" is no mark of 0..65535", mark);
	begun = clock_now();
	if (inplace_add(&spec, &ignored, &err) < 0)
		die("%s: %s", word, err.text);
	return usec_since(clock_now(), begun);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("%llu\n", (unsigned long long)bring(argv[i]));
	return 0;
}
