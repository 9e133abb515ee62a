#include "api/etag.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

void etag_of(const char *text, size_t len, char ret[static ETAG_MAX])
{
	(void)snprintf(ret, ETAG_MAX, "\"%016llx\"",
		       (unsigned long long)XXH3_64bits(text, len));
}

bool etag_is_in(const char *etag, const char *header)
{
	size_t len = strlen(etag);

	while (*header) {
		size_t n;

		header += strspn(header, " \t,");
		n = strcspn(header, " \t,");
		if (n == 1 && *header == '*')
			return true;
		/* for these headers' purpose a weak one is as good */
		if (n > 2 && header[0] == 'W' && header[1] == '/') {
			header += 2;
			n -= 2;
		}
		if (n == len && memcmp(header, etag, len) == 0)
			return true;
		header += n;
	}
	return false;
}
