/*
 * Sources: card numbers ISO/IEC 7812 and the issuers' ranges, Luhn's check
 * digit; IBAN ISO 13616 with its registry's lengths, MOD-97-10 of ISO 7064;
 * national numbers by their offices' check rules; tokens by the forms that
 * their issuers publish, GitHub's with its CRC32 in base 62.
 *
 * A candidate that is followed or preceded by more of the same is none: the
 * patterns look around.
 *
 * xxx_likely() asks what most numbers fail at, so that their patterns need not be
 * tried: never false where the pattern and the check would find one.
 */
#include "detect/secret.h"

#include <string.h>

/* --- digits ----------------------------------------------------------- */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The digits of b as numbers; how many, at most max. */
static size_t digits_of(struct bytes b, uint8_t *ret, size_t max)
{
	size_t n = 0;

	for (; b.begin < b.end && n < max; b.begin++)
		if (is_digit(*b.begin))
			ret[n++] = (uint8_t)(*b.begin - '0');
	return n;
}

/*
 * The digits that b begins with, single blanks, or what else is between them passed
 * over; how many, at most max.
 */
static size_t digits_ahead(struct bytes b, uint8_t other, uint8_t *ret,
			   size_t max)
{
	size_t n = 0;

	while (n < max && bytes_len(b) > 0) {
		if (n > 0 && bytes_len(b) > 1 &&
		    (*b.begin == ' ' || *b.begin == other))
			b.begin++;
		if (!is_digit(*b.begin))
			break;
		ret[n++] = (uint8_t)(*b.begin++ - '0');
	}
	return n;
}

/* Exactly n digits, and then something else. */
static bool is_run_of(struct bytes b, size_t n)
{
	if (bytes_len(b) < n || (bytes_len(b) > n && is_digit(b.begin[n])))
		return false;
	while (n > 0)
		if (!is_digit(b.begin[--n]))
			return false;
	return true;
}

static bool are_all_same(const uint8_t *d, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (d[i] != d[0])
			return false;
	return true;
}

static unsigned number_of(const uint8_t *d, size_t n)
{
	unsigned v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + d[i];
	return v;
}

static bool is_luhn(const uint8_t *d, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned v = d[n - 1 - i];

		if (i & 1)
			v = v > 4 ? 2 * v - 9 : 2 * v;
		sum += v;
	}
	return sum % 10 == 0;
}

/* sum of weight[i] * d[i] */
static unsigned weighted(const uint8_t *d, const uint8_t *weight, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (unsigned)d[i] * weight[i];
	return sum;
}

/* --- payment ---------------------------------------------------------- */

/* First four digits, and which lengths go with them (bit n: n digits). */
static const struct {
	uint16_t first, last;
	uint32_t lengths;
} issuers[] = {
	{ 2221, 2720, 1u << 16 },			/* Mastercard */
	{ 3000, 3059, 1u << 14 },			/* Diners Club */
	{ 3400, 3499, 1u << 15 },			/* American Express */
	{ 3528, 3589, 1u << 16 },			/* JCB */
	{ 3600, 3699, 1u << 14 },			/* Diners Club */
	{ 3700, 3799, 1u << 15 },			/* American Express */
	{ 3800, 3999, 1u << 14 },			/* Diners Club */
	{ 4000, 4999, 1u << 13 | 1u << 16 | 1u << 19 }, /* Visa */
	{ 5018, 5038, 0x7f000 },			/* Maestro, 12..18 */
	{ 5100, 5599, 1u << 16 },			/* Mastercard */
	{ 6011, 6011, 1u << 16 },			/* Discover */
	{ 6200, 6299, 0xf0000 },			/* UnionPay */
	{ 6304, 6304, 0x7f000 },			/* Maestro */
	{ 6440, 6599, 1u << 16 },			/* Discover */
	{ 6759, 6763, 0x7f000 },			/* Maestro */
};

/* Bits, which lengths cards have that begin with those four digits. */
static uint32_t card_lengths(const uint8_t *d)
{
	unsigned first = number_of(d, 4);

	for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++)
		if (first >= issuers[i].first && first <= issuers[i].last)
			return issuers[i].lengths;
	return 0;
}

static bool is_card_number(struct bytes b)
{
	uint8_t d[20];
	size_t n = digits_of(b, d, sizeof d);

	if (n < 12 || n > 19 || are_all_same(d, n) || !is_luhn(d, n))
		return false;
	return card_lengths(d) >> n & 1;
}

static bool card_likely(struct bytes from)
{
	uint8_t d[20];
	size_t n = digits_ahead(from, '-', d, sizeof d);
	uint32_t lengths = n < 12 ? 0 : card_lengths(d);

	for (; n >= 12; n--)
		if (lengths >> n & 1 && is_luhn(d, n))
			return true;
	return false;
}

/* "AD24": two letters and the length of its IBANs. */
static const char iban_lengths[] =
	"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18"
	"DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23"
	"IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19"
	"MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24"
	"SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20";

static size_t iban_length(const uint8_t country[static 2])
{
	for (const char *p = iban_lengths; *p; p += 4)
		if (p[0] == (char)country[0] && p[1] == (char)country[1])
			return (size_t)(p[2] - '0') * 10 + (size_t)(p[3] - '0');
	return 0;
}

/* Letters are numbers from 10 on; the first four come last (ISO 13616). */
static bool is_iban(struct bytes b)
{
	uint8_t text[34];
	unsigned rest = 0;
	size_t n = 0;

	for (; b.begin < b.end; b.begin++) {
		if (!is_digit(*b.begin) && !is_letter(*b.begin))
			continue;
		if (n == sizeof text)
			return false;
		text[n++] = *b.begin;
	}
	if (n < 15 || iban_length(text) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = text[(i + 4) % n];

		if (is_digit(c))
			rest = (rest * 10 + (unsigned)(c - '0')) % 97;
		else if (c >= 'A' && c <= 'Z')
			rest = (rest * 100 + (unsigned)(c - 'A') + 10) % 97;
		else
			return false;
	}
	return rest == 1;
}

/* --- people ----------------------------------------------------------- */

/* United States: areas 000, 666, 9xx, group 00 and serial 0000 do not exist. */
static bool is_us_ssn(struct bytes b)
{
	uint8_t d[10];
	unsigned area;

	if (digits_of(b, d, sizeof d) != 9)
		return false;
	area = number_of(d, 3);
	return area != 0 && area != 666 && area < 900 &&
	       number_of(d + 3, 2) != 0 && number_of(d + 5, 4) != 0 &&
	       /* printed on a wallet's sample card, and in advertisements */
	       number_of(d, 9) != 78051120 && number_of(d, 9) != 219099999;
}

/* Spain: eight digits, or X, Y, Z and seven, modulo 23 as a letter. */
static bool is_es_dni(struct bytes b)
{
	static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";
	uint8_t d[9];
	size_t n = digits_of(b, d, sizeof d);
	unsigned number;

	if (n == 8)
		number = number_of(d, 8);
	else if (n == 7 && *b.begin >= 'X' && *b.begin <= 'Z')
		number =
			(unsigned)(*b.begin - 'X') * 10000000 + number_of(d, 7);
	else
		return false;
	return b.end[-1] == (uint8_t)letters[number % 23];
}

static bool dni_likely(struct bytes from)
{
	bool nie = *from.begin >= 'X';

	return is_run_of((struct bytes){ from.begin + nie, from.end },
			 nie ? 7 : 8);
}

/* France: NIR, 13 digits (Corsica 2A, 2B) and 97 minus them modulo 97. */
static bool is_fr_nir(struct bytes b)
{
	uint64_t number = 0;
	unsigned n = 0, minus = 0, key = 0;

	for (; b.begin < b.end; b.begin++) {
		uint8_t c = *b.begin;

		if (n == 6 && (c == 'A' || c == 'B')) {
			minus = c == 'A' ? 1000000 : 2000000;
			c = '0';
		}
		if (!is_digit(c))
			continue;
		if (n < 13)
			number = number * 10 + (uint64_t)(c - '0');
		else
			key = key * 10 + (unsigned)(c - '0');
		n++;
	}
	return n == 15 && key == 97 - (number - minus) % 97;
}

static bool nir_likely(struct bytes from)
{
	bool blank = true; /* none before the first */
	size_t n = 0;

	for (; n < 15 && bytes_len(from) > 0; from.begin++) {
		uint8_t c = *from.begin;

		if (is_digit(c) || (n == 6 && (c == 'A' || c == 'B')))
			n++;
		else if (c != ' ' || blank)
			break;
		blank = c == ' ';
	}
	return n == 15;
}

/* Netherlands: weights 9..2 and -1, modulo 11. */
static bool is_nl_bsn(struct bytes b)
{
	static const uint8_t weight[] = { 9, 8, 7, 6, 5, 4, 3, 2, 10 };
	uint8_t d[10];

	return digits_of(b, d, sizeof d) == 9 && !are_all_same(d, 9) &&
	       weighted(d, weight, 9) % 11 == 0;
}

static bool bsn_likely(struct bytes from)
{
	return is_run_of(from, 9);
}

/* Germany: tax number of eleven digits, ISO 7064 MOD 11,10. */
static bool is_de_tax_id(struct bytes b)
{
	unsigned product = 10, count[10] = { 0 }, repeated = 0;
	uint8_t d[12];

	if (digits_of(b, d, sizeof d) != 11 || d[0] == 0)
		return false;
	for (int i = 0; i < 10; i++) {
		unsigned sum = (d[i] + product) % 10;

		product = (sum ? sum : 10) * 2 % 11;
		repeated += ++count[d[i]] == 2;
		if (count[d[i]] > 3)
			return false;
	}
	/* of the first ten, exactly one digit comes twice or three times */
	return repeated == 1 && (11 - product) % 10 == d[10];
}

static bool de_tax_id_likely(struct bytes from)
{
	uint8_t d[11];

	return digits_ahead(from, ' ', d, sizeof d) == 11;
}

/* Poland: weights 1 3 7 9, and a date that may be. */
static bool is_pl_pesel(struct bytes b)
{
	static const uint8_t weight[] = { 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1 };
	uint8_t d[12];
	unsigned month, day;

	if (digits_of(b, d, sizeof d) != 11)
		return false;
	month = number_of(d + 2, 2) % 20;
	day = number_of(d + 4, 2);
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
	       weighted(d, weight, 11) % 10 == 0;
}

static bool pesel_likely(struct bytes from)
{
	return is_run_of(from, 11);
}

/* Italy: codice fiscale; odd places by a table of their own, modulo 26. */
static bool is_it_fiscal_code(struct bytes b)
{
	static const uint8_t odd[26] = { 1,  0,	 5,  7,	 9,  13, 15, 17, 19,
					 21, 2,	 4,  18, 20, 11, 3,  6,	 8,
					 12, 14, 16, 10, 22, 25, 24, 23 };
	unsigned sum = 0;

	if (bytes_len(b) != 16)
		return false;
	for (unsigned i = 0; i < 15; i++) {
		uint8_t c = b.begin[i];
		unsigned v = is_digit(c) ? (unsigned)(c - '0')
					 : (unsigned)((c | 0x20) - 'a');

		sum += i % 2 == 0 ? odd[v] : v;
	}
	return (b.begin[15] | 0x20) == (int)('a' + sum % 26);
}

/* Sixteen capitals and digits, the first six of them no digits. */
static bool fiscal_code_likely(struct bytes from)
{
	size_t n = 0;

	if (bytes_len(from) < 16)
		return false;
	while (n < 16 && ((from.begin[n] >= 'A' && from.begin[n] <= 'Z') ||
			  (n >= 6 && is_digit(from.begin[n]))))
		n++;
	return n == 16;
}

/* United Kingdom: prefixes that are not given out. */
static bool is_uk_nino(struct bytes b)
{
	static const char never[][3] = { "BG", "GB", "KN", "NK",
					 "NT", "TN", "ZZ" };

	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if (memcmp(b.begin, never[i], 2) == 0)
			return false;
	return true;
}

/* --- keys and tokens -------------------------------------------------- */

static uint32_t crc32_of(struct bytes b)
{
	uint32_t crc = UINT32_MAX;

	for (; b.begin < b.end; b.begin++) {
		crc ^= *b.begin;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* ghp_ and its kin: 30 characters, and their CRC32 as six of base 62. */
static bool is_github_token(struct bytes b)
{
	static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz";
	struct bytes random;
	uint32_t crc;

	if (!take_skip(&b, 4) || !take_bytes(&b, 30, &random) ||
	    bytes_len(b) != 6)
		return false;
	crc = crc32_of(random);
	for (int i = 5; i >= 0; i--) {
		if (b.begin[i] != (uint8_t)base62[crc % 62])
			return false;
		crc /= 62;
	}
	return true;
}

/* --- the list --------------------------------------------------------- */

#define NO_DIGIT_BEFORE "(?<![0-9A-Za-z._-])"
#define NO_DIGIT_AFTER	"(?![0-9A-Za-z_-])"
#define WORD(regex)	NO_DIGIT_BEFORE regex NO_DIGIT_AFTER

static const struct secret_kind kinds[] = {
	{ .name = "card_number",
	  .title = "payment card number",
	  .regex = WORD("[2-6][0-9]{3}(?:[ -]?[0-9]){8,15}"),
	  .check = is_card_number,
	  .show_last = 4,
	  .lead = "6999",
	  .likely = card_likely },
	{ .name = "iban",
	  .title = "bank account (IBAN)",
	  .regex = WORD("[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2,7}"
			"(?: ?[0-9A-Z]{1,3})?"),
	  .check = is_iban,
	  .show_first = 2,
	  .show_last = 4,
	  .lead = "AA99" },
	{ .name = "us_ssn",
	  .title = "US social security number",
	  .regex = WORD("[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}"),
	  .check = is_us_ssn,
	  .show_last = 2,
	  .lead = "999-" },
	{ .name = "uk_nino",
	  .title = "UK national insurance number",
	  .regex = WORD("[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} "
			"?[0-9]{2} ?[0-9]{2} ?[A-D]"),
	  .check = is_uk_nino,
	  .show_last = 2,
	  .lead = "AA_9" },
	{ .name = "es_dni",
	  .title = "Spanish DNI or NIE",
	  .regex = WORD("[XYZ0-9][0-9]{7}-?[A-HJ-NP-TV-Z]"),
	  .check = is_es_dni,
	  .show_last = 2,
	  .lead = "X999",
	  .likely = dni_likely },
	{ .name = "fr_nir",
	  .title = "French social security number",
	  .regex = WORD("[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} "
			"?[0-9]{3} ?[0-9]{2}"),
	  .check = is_fr_nir,
	  .show_last = 2,
	  .lead = "2_9_",
	  .likely = nir_likely },
	{ .name = "nl_bsn",
	  .title = "Dutch BSN",
	  .regex = WORD("[0-9]{9}"),
	  .check = is_nl_bsn,
	  .show_last = 2,
	  .lead = "9999",
	  .likely = bsn_likely },
	{ .name = "de_tax_id",
	  .title = "German tax number",
	  .regex = WORD("[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}"),
	  .check = is_de_tax_id,
	  .show_last = 2,
	  .lead = "99_9",
	  .likely = de_tax_id_likely },
	{ .name = "pl_pesel",
	  .title = "Polish PESEL",
	  .regex = WORD("[0-9]{11}"),
	  .check = is_pl_pesel,
	  .show_last = 2,
	  .lead = "9999",
	  .likely = pesel_likely },
	{ .name = "it_fiscal_code",
	  .title = "Italian codice fiscale",
	  .regex = WORD("[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPRST][0-9L-NP-V]{2}"
			"[A-Z][0-9L-NP-V]{3}[A-Z]"),
	  .check = is_it_fiscal_code,
	  .show_last = 2,
	  .lead = "AAAA",
	  .likely = fiscal_code_likely },
	{ .name = "aws_access_key",
	  .title = "AWS access key id",
	  .regex = WORD("(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}"),
	  .show_first = 4,
	  .show_last = 4,
	  .hint = "A(?:KI|SI|RO|ID)A[0-9A-Z]{8}" },
	{ .name = "aws_secret_key",
	  .title = "AWS secret access key",
	  .regex = "(?i:aws_?secret_?access_?key|secretAccessKey)[\"']?\\s{0,4}"
		   "[:=]\\s{0,4}[\"']?[0-9A-Za-z/+]{40}(?![0-9A-Za-z/+=])",
	  .hint = "(?i:secret_?access_?key)" },
	{ .name = "github_token",
	  .title = "GitHub token",
	  .regex = WORD("gh[pousr]_[0-9A-Za-z]{36}"),
	  .check = is_github_token,
	  .show_first = 4,
	  .hint = "gh[pousr]_[0-9A-Za-z]{8}" },
	{ .name = "gitlab_token",
	  .title = "GitLab token",
	  .regex = WORD("glpat-[0-9A-Za-z_-]{20}"),
	  .show_first = 6,
	  .hint = "glpat-" },
	{ .name = "slack_token",
	  .title = "Slack token",
	  .regex = WORD("xox[abeprs]-[0-9A-Za-z]{8,48}"
			"(?:-[0-9A-Za-z]{8,64}){0,4}"),
	  .show_first = 5,
	  .is_long = true,
	  .hint = "xox[abeprs]-[0-9A-Za-z]{8}" },
	{ .name = "google_api_key",
	  .title = "Google API key",
	  .regex = WORD("AIza[0-9A-Za-z_-]{35}"),
	  .show_first = 4,
	  .hint = "AIza[0-9A-Za-z_-]{8}" },
	{ .name = "jwt",
	  .title = "JSON web token",
	  .regex = WORD("eyJ[0-9A-Za-z_-]{8,2048}\\.eyJ[0-9A-Za-z_-]{8,4096}\\."
			"[0-9A-Za-z_-]{8,1024}"),
	  .show_first = 3,
	  .is_long = true,
	  .hint = "eyJ[0-9A-Za-z_-]{8}" },
	{ .name = "private_key",
	  .title = "private key",
	  .regex = "-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?"
		   "PRIVATE KEY(?: BLOCK)?-----",
	  .hint = "PRIVATE KEY" },
};
#define KINDS (sizeof kinds / sizeof *kinds)

const struct secret_kind *secret_kind_at(unsigned i)
{
	return i < KINDS ? &kinds[i] : NULL;
}

const struct secret_kind *secret_kind_find(const char *name)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* --- masking ---------------------------------------------------------- */

static size_t count_characters(struct bytes b)
{
	size_t n = 0;

	for (; b.begin < b.end; b.begin++)
		n += is_digit(*b.begin) || is_letter(*b.begin);
	return n;
}

const char *secret_mask(const struct secret_kind *k, struct bytes match,
			char *buf, size_t size)
{
	size_t n = count_characters(match), seen = 0, at = 0;
	size_t first = k ? k->show_first : 0, last = k ? k->show_last : 0;
	bool cut = bytes_len(match) > size - 1;

	if (first + last > n / 2)
		first = last = 0;
	if (cut)
		match.end = match.begin + size - 4;
	for (; match.begin < match.end; match.begin++) {
		uint8_t c = *match.begin;

		if (!is_digit(c) && !is_letter(c)) {
			buf[at++] = c >= ' ' && c <= '~' ? (char)c : '.';
			continue;
		}
		buf[at++] = seen < first || seen >= n - last ? (char)c : '*';
		seen++;
	}
	memcpy(buf + at, "...", cut ? 3 : 0);
	buf[at + (cut ? 3 : 0)] = '\0';
	return buf;
}
