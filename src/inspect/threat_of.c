#include "inspect/threat_of.h"

#include <stdlib.h>
#include <string.h>

#include "detect/threat.h"

uint32_t threat_of_note(enum proto_note n)
{
	static const uint16_t threats[NOTE__MAX] = {
		[NOTE_HTTP_LENGTH_NEGATIVE] = THREAT_HTTP_LENGTH,
		[NOTE_HTTP_SMUGGLING] = THREAT_HTTP_SMUGGLING,
		[NOTE_TLS_SSL2] = THREAT_OLD_SSL,
		[NOTE_TLS_SSL3] = THREAT_OLD_SSL,
		[NOTE_TLS_10] = THREAT_TLS_10,
		[NOTE_TLS_11] = THREAT_TLS_11,
		[NOTE_TLS_HEARTBLEED] = THREAT_HEARTBLEED,
		[NOTE_TLS_SSL2_CIPHERS] = THREAT_SSL2_CIPHERS,
		[NOTE_SSH_1] = THREAT_SSH_1,
		[NOTE_DNS_LOOP] = THREAT_DNS_LOOP,
		[NOTE_DNS_OVERFLOW] = THREAT_DNS_OVERFLOW,
		[NOTE_DNS_TRANSFER] = THREAT_DNS_TRANSFER,
		[NOTE_DNS_NULL] = THREAT_DNS_NULL,
		[NOTE_SQL_DENIED] = THREAT_SQL_DENIED,
	};

	return threats[n];
}

uint32_t threat_of_signature(const struct signature *s)
{
	static const char word[] = "threat ";
	size_t len = sizeof word - 1;

	for (const struct sig_more *m = s->more; m; m = m->next) {
		unsigned long id;

		if (strcmp(m->keyword, "metadata") != 0 ||
		    strncmp(m->value, word, len) != 0)
			continue;
		id = strtoul(m->value + len, NULL, 10);
		if (id <= UINT16_MAX && threat_kind_find((uint32_t)id))
			return (uint32_t)id;
	}
	return 0;
}
