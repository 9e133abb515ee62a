/*
 * What may be shown of a finding: the match between "«" and "»" with what stands
 * around it, and the request it was in. All is printable ASCII; what is not is
 * '.'.
 *
 * Of a secret the match is shown as secret_mask() says. Beside it, and in the
 * request, each word (letters and digits; digits with single blanks or dashes
 * between them are one) of three or more with a digit in it, and each of twelve
 * or more, is '*': an expiry date's year, a second token, half of another card.
 * So is a digit that is a code ("%34"), or may be the end of a longer number.
 *
 * Otherwise the match is what an attack is known by, and is shown. Masked is
 * what looks like a secret that stood there, too: words of 13 or more digits, of
 * 16 or more letters and digits with a digit; and one with a digit that goes on
 * beyond what can be seen. Beside the match, and in the request, six digits are
 * enough (a number of a person), and what an IBAN begins with.
 *
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits_finding.h"
#include "detect/secret.h"

/* Where it matched, and what there is of the buffer around that. */
struct evidence_spot {
	uint64_t at; /* first byte of the match, in the buffer */
	uint32_t len;
	struct bytes around; /* it need not hold all of the match */
	uint64_t around_at;
	bool is_secret;
	const struct secret_kind *secret; /* NULL: of no kind that is known */
};

/* The part of the match that is there; may be empty. */
struct bytes evidence_match(const struct evidence_spot *s);

void evidence_text(const struct evidence_spot *s,
		   char ret[static FINDING_EVIDENCE_MAX]);
/* request: cut, with "..." at its end. */
void evidence_request(const struct evidence_spot *s, struct bytes request,
		      char ret[static FINDING_REQUEST_MAX]);
/*
 * As they are, with the match in their middle; how many. *ret_at: the first one's
 * place in the buffer.
 */
size_t evidence_raw(const struct evidence_spot *s,
		    uint8_t ret[static FINDING_RAW_MAX], uint64_t *ret_at);
