/*
 * A file is read whole; its rules one by one. A rule's line breaks (backslash,
 * line feed) are made blanks of the same length in a copy, so the place of a
 * word in the copy is its place in the file.
 *
 *	header (name; name: value; ...)
 *
 * A value ends at the first ; that has no backslash before it and is in no
 * quotes.
 */
#include "detect/sig_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bug.h"
#include "detect/sig_names.h"
#include "detect/sig_read.h"

struct variable {
	const char *name, *value;
	struct variable *next;
};

struct sig_list {
	struct arena arena;
	struct signature **rules;
	size_t n, room;
	struct sig_fault *faults;
	size_t n_faults, faults_room;
	uint64_t refused;
	struct variable *variables;
	struct hash_table by_id;
	struct sig_reader *reader;
};

/* As they are set where Suricata is installed. */
static const char *const defaults[][2] = {
	{ "HOME_NET", "any" },
	{ "EXTERNAL_NET", "any" },
	{ "HTTP_SERVERS", "$HOME_NET" },
	{ "SMTP_SERVERS", "$HOME_NET" },
	{ "SQL_SERVERS", "$HOME_NET" },
	{ "DNS_SERVERS", "$HOME_NET" },
	{ "TELNET_SERVERS", "$HOME_NET" },
	{ "AIM_SERVERS", "$EXTERNAL_NET" },
	{ "DC_SERVERS", "$HOME_NET" },
	{ "DNP3_SERVER", "$HOME_NET" },
	{ "DNP3_CLIENT", "$HOME_NET" },
	{ "MODBUS_CLIENT", "$HOME_NET" },
	{ "MODBUS_SERVER", "$HOME_NET" },
	{ "ENIP_CLIENT", "$HOME_NET" },
	{ "ENIP_SERVER", "$HOME_NET" },
	{ "HTTP_PORTS", "any" },
	{ "SHELLCODE_PORTS", "!80" },
	{ "ORACLE_PORTS", "1521" },
	{ "SSH_PORTS", "22" },
	{ "DNP3_PORTS", "20000" },
	{ "MODBUS_PORTS", "502" },
	{ "FILE_DATA_PORTS", "any" },
	{ "FTP_PORTS", "21" },
	{ "GENEVE_PORTS", "6081" },
	{ "VXLAN_PORTS", "4789" },
	{ "TEREDO_PORTS", "3544" },
};

struct sig_list *sig_list_new(void)
{
	struct sig_list *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->reader = calloc(1, sizeof *l->reader);
	if (l->reader)
		l->reader->text = malloc(SIG_RULE_BYTES_MAX + 1);
	if (!l->reader || !l->reader->text) {
		sig_list_free(l);
		return NULL;
	}
	for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
		if (sig_list_set(l, defaults[i][0], defaults[i][1], NULL) < 0) {
			sig_list_free(l);
			return NULL;
		}
	return l;
}

void sig_list_free(struct sig_list *l)
{
	if (!l)
		return;
	if (l->reader)
		free(l->reader->text);
	free(l->reader);
	hash_table_done(&l->by_id);
	arena_done(&l->arena);
	free(l->faults);
	free(l->rules);
	free(l);
}

size_t sig_list_len(const struct sig_list *l)
{
	return l->n;
}

const struct signature *sig_list_at(const struct sig_list *l, size_t i)
{
	return l->rules[i];
}

uint64_t sig_list_refused(const struct sig_list *l)
{
	return l->refused;
}

size_t sig_list_faults(const struct sig_list *l)
{
	return l->n_faults;
}

const struct sig_fault *sig_list_fault(const struct sig_list *l, size_t i)
{
	return &l->faults[i];
}

int sig_list_set(struct sig_list *l, const char *name, const char *value,
		 struct err *reterr)
{
	struct variable *v;

	if (!*name || strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz0123456789_") !=
			      strlen(name))
		return err_set(reterr, EINVAL, name, "no name of a variable");
	if (strlen(value) > SIG_RULE_BYTES_MAX)
		return err_set(reterr, E2BIG, name, "more than %d bytes",
			       SIG_RULE_BYTES_MAX);
	v = arena_alloc(&l->arena, sizeof *v);
	if (v)
		v->name = arena_text(&l->arena, name, strlen(name));
	if (v)
		v->value = arena_text(&l->arena, value, strlen(value));
	if (!v || !v->name || !v->value)
		return err_set(reterr, ENOMEM, name, "out of memory");
	v->next = l->variables;
	l->variables = v;
	return 0;
}

const char *sig_variable(const struct sig_list *l, const char *name, size_t len)
{
	for (const struct variable *v = l->variables; v; v = v->next)
		if (strncmp(v->name, name, len) == 0 && v->name[len] == 0)
			return v->value;
	return NULL;
}

bool sig_refuse(struct sig_reader *r, const char *fmt, ...)
{
	va_list ap;

	if (r->refused || r->no_memory)
		return false;
	r->refused = true;
	va_start(ap, fmt);
	(void)vsnprintf(r->why, sizeof r->why, fmt, ap); /* cut */
	va_end(ap);
	return false;
}

char *sig_keep(struct sig_reader *r, const char *text, size_t len)
{
	char *copy = arena_text(r->arena, text, len);

	r->no_memory |= !copy;
	return copy;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

char *sig_trim(char *text)
{
	size_t len;

	while (is_blank(*text))
		text++;
	len = strlen(text);
	while (len > 0 && is_blank(text[len - 1]))
		text[--len] = 0;
	return text;
}

char *sig_next_word(char **rest)
{
	char *word = *rest, *comma;

	if (!word)
		return NULL;
	comma = strchr(word, ',');
	*rest = comma ? comma + 1 : NULL;
	if (comma)
		*comma = 0;
	word = sig_trim(word);
	return *word ? word : NULL;
}

bool sig_read_number(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	bool minus = *text == '-';
	const char *digits = text + minus;
	bool hex = digits[0] == '0' && (digits[1] | 0x20) == 'x';
	long long n;
	char *end;

	digits += hex ? 2 : 0;
	if (!strchr(hex ? "0123456789abcdefABCDEF" : "0123456789", *digits) ||
	    !*digits)
		return false;
	errno = 0;
	n = strtoll(digits, &end, hex ? 16 : 10);
	if (*end || errno)
		return false;
	n = minus ? -n : n;
	if (n < min || n > max)
		return false;
	*ret = n;
	return true;
}

bool sig_read_range(struct sig_reader *r, char *text, uint32_t max,
		    uint32_t *ret_lo, uint32_t *ret_hi, bool *ret_not)
{
	char *between = strstr(text, "<>");
	int64_t lo = 0, hi = max, n;
	bool good;

	*ret_not = *text == '!';
	text = sig_trim(text + *ret_not);
	if (between) {
		*between = 0;
		good = sig_read_number(sig_trim(text), 0, max, &lo) &&
		       sig_read_number(sig_trim(between + 2), 0, max, &hi);
		lo++;
		hi--;
	} else if (*text == '<' || *text == '>') {
		bool equal = text[1] == '=';
		bool less = *text == '<';

		good = sig_read_number(sig_trim(text + 1 + equal), 0, max, &n);
		if (good && less)
			hi = n - !equal;
		else if (good)
			lo = n + !equal;
	} else {
		good = sig_read_number(text, 0, max, &lo);
		hi = lo;
	}
	if (!good || lo > hi)
		return sig_refuse(r, "N, <N, >N, N<>M expected, up to %u", max);
	*ret_lo = (uint32_t)lo;
	*ret_hi = (uint32_t)hi;
	return true;
}

/* The place of r->text[at] in the file: line and column, from 1. */
static void find_place(const char *original, size_t at, uint32_t *line,
		       uint32_t *column)
{
	*column = 1;
	for (size_t i = 0; i < at; i++) {
		++*column;
		if (original[i] == '\n') {
			++*line;
			*column = 1;
		}
	}
}

/* false: out of memory */
static bool note_fault(struct sig_list *l, const char *original, uint32_t line)
{
	struct sig_reader *r = l->reader;
	struct sig_fault *f;

	l->refused++;
	if (l->n_faults == SIG_FAULTS_MAX)
		return true;
	if (l->n_faults == l->faults_room) {
		size_t room = l->faults_room ? 2 * l->faults_room : 64;
		void *more = realloc(l->faults, room * sizeof *l->faults);

		if (!more)
			return false;
		l->faults = more;
		l->faults_room = room;
	}
	f = &l->faults[l->n_faults];
	*f = (struct sig_fault){
		.file = r->s->file,
		.line = line,
		.keyword = sig_keep(r, r->keyword, strlen(r->keyword)),
		.text = sig_keep(r, r->why, strlen(r->why)),
	};
	if (!f->keyword || !f->text)
		return false;
	find_place(original, r->at, &f->line, &f->column);
	l->n_faults++;
	return true;
}

/* The ; that ends what is at text[at]; NULL: there is none. */
static char *end_of_option(char *text)
{
	bool quoted = false;

	for (; *text; text++) {
		if (*text == '\\' && text[1])
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (*text == ';' && !quoted)
			return text;
	}
	return NULL;
}

/* From behind the ( on. The last thing is ). */
static bool read_options(struct sig_reader *r, size_t at)
{
	char *option = r->text + at, *end, *colon, *value;

	while (r->len > at && is_blank(r->text[r->len - 1]))
		r->len--;
	r->at = r->len;
	if (r->len <= at || r->text[r->len - 1] != ')')
		return sig_refuse(r, ") expected");
	r->text[r->len - 1] = 0;
	for (;;) {
		while (is_blank(*option))
			option++;
		if (!*option)
			return true;
		r->at = (size_t)(option - r->text);
		r->keyword = "";
		end = end_of_option(option);
		if (!end)
			return sig_refuse(r, "; expected");
		*end = 0;
		colon = strpbrk(option, ":\"");
		value = colon && *colon == ':' ? colon + 1 : NULL;
		if (value)
			*colon = 0;
		r->keyword = sig_trim(option);
		if (!sig_read_option(r, sig_trim(option),
				     value ? sig_trim(value) : NULL))
			return false;
		option = end + 1;
	}
}

static void *keep_array(struct sig_reader *r, const void *from, size_t n,
			size_t size)
{
	void *copy;

	if (n == 0)
		return NULL;
	copy = arena_alloc(r->arena, n * size);
	r->no_memory |= !copy;
	if (copy)
		memcpy(copy, from, n * size);
	return copy;
}

/* What was gathered goes to the arena. */
static void keep_rule(struct sig_reader *r)
{
	struct signature *s = r->s;

	if (r->after_group >= 0)
		for (unsigned i = 0; i < r->groups[r->after_group].n_items;
		     i++) {
			struct sig_item *item = &r->items[r->after_group][i];

			if (item->kind != SIG_BASE64)
				continue;
			item->after = keep_array(r, r->after, r->n_after,
						 sizeof *r->after);
			item->n_after = (uint16_t)r->n_after;
		}
	for (unsigned i = 0; i < s->n_groups; i++)
		r->groups[i].items = keep_array(r, r->items[i],
						r->groups[i].n_items,
						sizeof r->items[i][0]);
	s->groups = keep_array(r, r->groups, s->n_groups, sizeof *r->groups);
	s->headers =
		keep_array(r, r->headers, s->n_headers, sizeof *r->headers);
	s->bits = keep_array(r, r->bits, s->n_bits, sizeof *r->bits);
	s->variables = keep_array(r, r->variables, s->n_variables,
				  sizeof *r->variables);
}

static uint64_t id_hash(uint32_t gid, uint32_t sid)
{
	uint32_t id[2] = { gid, sid };

	return hash_of_bytes(id, sizeof id);
}

static uint64_t hash_of_rule(const void *arg, uint32_t i)
{
	const struct sig_list *l = arg;

	return id_hash(l->rules[i]->gid, l->rules[i]->sid);
}

static bool check_new(struct sig_list *l, const struct signature *s)
{
	uint64_t slot = id_hash(s->gid, s->sid);
	uint32_t i;

	while (hash_table_next(&l->by_id, &slot, &i)) {
		const struct signature *other = l->rules[i];

		if (other->sid == s->sid && other->gid == s->gid)
			return sig_refuse(l->reader,
					  "sid %u is at %s:%u "
					  "already",
					  s->sid, other->file, other->line);
	}
	return true;
}

static bool add_rule(struct sig_list *l, struct signature *s)
{
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 256;
		void *more = realloc(l->rules, room * sizeof *l->rules);

		if (!more)
			return false;
		l->rules = more;
		l->room = room;
	}
	if (!hash_table_put(&l->by_id, id_hash(s->gid, s->sid), hash_of_rule,
			    l))
		return false;
	l->rules[l->n++] = s;
	return true;
}

/* Empties the reader for the next rule, whose text is set. */
static bool begin_rule(struct sig_list *l, const char *file, uint32_t line)
{
	struct sig_reader *r = l->reader;

	r->list = l;
	r->arena = &l->arena;
	r->keyword = "";
	r->refused = r->no_memory = r->has_sid = r->in_base64 = false;
	r->at = 0;
	r->n_after = 0;
	r->after_group = r->group = -1;
	r->buffer = SIG_BUFFER_PAYLOAD;
	r->n_transforms = 0;
	r->last = NULL;
	r->s = arena_alloc(r->arena, sizeof *r->s);
	if (!r->s)
		return false;
	*r->s = (struct signature){ .file = file, .line = line };
	r->s->msg = r->s->classtype = "";
	return true;
}

/* A backslash (and carriage return) before a line feed, and that: blanks. */
static void undo_breaks(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t k = i;

		if (text[i] != '\n')
			continue;
		text[i] = ' ';
		if (k > 0 && text[k - 1] == '\r')
			text[--k] = ' ';
		if (k > 0 && text[k - 1] == '\\')
			text[k - 1] = ' ';
	}
}

/* One rule of the file; false: out of memory. */
static bool read_rule(struct sig_list *l, const char *file, uint32_t line,
		      const char *text, size_t len)
{
	struct sig_reader *r = l->reader;
	bool too_long = len > SIG_RULE_BYTES_MAX, good;
	size_t at = 0;

	if (!begin_rule(l, file, line))
		return false;
	r->len = too_long ? 0 : len;
	memcpy(r->text, text, r->len);
	r->text[r->len] = 0;
	undo_breaks(r->text, r->len);
	if (too_long)
		good = sig_refuse(r, "longer than %d bytes",
				  SIG_RULE_BYTES_MAX);
	else if (strlen(r->text) != len)
		good = sig_refuse(r, "it has a byte 0");
	else
		good = sig_read_header(r, &at);
	while (good && is_blank(r->text[at]))
		at++;
	if (good && r->text[at] != '(') {
		r->at = at;
		good = sig_refuse(r, "( expected");
	}
	good = good && read_options(r, at + 1) && sig_check_rule(r) &&
	       check_new(l, r->s);
	if (good)
		keep_rule(r);
	if (r->no_memory)
		return false;
	return good ? add_rule(l, r->s) : note_fault(l, text, line);
}

static size_t line_len(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	return end ? (size_t)(end - text) : len;
}

/* How long the rule at text is: to its line's end, or that of a later one. */
static size_t rule_len(const char *text, size_t len)
{
	size_t at = 0;

	for (;;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t stop;

		if (!end)
			return len;
		stop = (size_t)(end - text);
		at = stop + 1;
		if (stop > 0 && text[stop - 1] == '\r')
			stop--;
		if (stop == 0 || text[stop - 1] != '\\')
			return at - 1;
	}
}

int sig_list_text(struct sig_list *l, const char *name, const char *text,
		  size_t len, struct err *reterr)
{
	const char *file = arena_text(&l->arena, name, strlen(name));
	uint32_t line = 1;

	if (len > SIG_FILE_BYTES_MAX)
		return err_set(reterr, E2BIG, name, "more than %u MiB",
			       SIG_FILE_BYTES_MAX >> 20);
	while (file && len > 0) {
		size_t blank = 0, n;

		while (blank < len &&
		       (text[blank] == ' ' || text[blank] == '\t'))
			blank++;
		n = blank + rule_len(text + blank, len - blank);
		if (n > blank && text[blank] == '#')
			n = line_len(text, len);
		else if (n > blank && !is_blank(text[blank])) {
			if (l->n == SIG_RULES_MAX)
				return err_set(reterr, E2BIG, name,
					       "more than %d rules",
					       SIG_RULES_MAX);
			if (!read_rule(l, file, line, text + blank, n - blank))
				file = NULL;
		}
		n = n > len ? len : n;
		for (size_t i = 0; i < n; i++)
			line += text[i] == '\n';
		line += n < len; /* its line feed */
		n += n < len;
		text += n;
		len -= n;
	}
	return file ? 0 : err_set(reterr, ENOMEM, name, "out of memory");
}

/* The file's bytes; NULL: *reterr. */
static char *read_file(const char *path, size_t *ret_len, struct err *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	struct stat st;
	size_t len = 0;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)err_set(reterr, errno, path, "cannot be opened");
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > SIG_FILE_BYTES_MAX) {
		(void)err_set(reterr, S_ISREG(st.st_mode) ? E2BIG : EINVAL,
			      path, "no file of at most %u MiB",
			      SIG_FILE_BYTES_MAX >> 20);
		goto out;
	}
	text = malloc((size_t)st.st_size + 1);
	if (!text) {
		(void)err_set(reterr, ENOMEM, path, "out of memory");
		goto out;
	}
	while (len < (size_t)st.st_size &&
	       (got = read(fd, text + len, (size_t)st.st_size - len)) > 0)
		len += (size_t)got;
	text[len] = 0;
	*ret_len = len;
out:
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	return text;
}

int sig_list_read(struct sig_list *l, const char *path, struct err *reterr)
{
	size_t len;
	char *text = read_file(path, &len, reterr);
	int r;

	if (!text)
		return reterr && reterr->code ? -reterr->code : -EIO;
	r = sig_list_text(l, path, text, len, reterr);
	free(text);
	return r;
}
