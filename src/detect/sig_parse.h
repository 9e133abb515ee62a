/*
 * Rules in Suricata's language, as far as docs/rules.md says, to signatures.
 *
 *	list = sig_list_new(NULL);
 *	sig_list_read(list, "my.rules", &err);
 *
 * A rule that cannot be had whole is refused, with its place and what was not
 * understood, and the others are read on: nothing of a rule is left out
 * silently. What sig_print() writes reads as the same signature again.
 */
#pragma once

#include <stdio.h>

#include "base/err.h"
#include "detect/sig.h"

struct sig_list;

/* Why a rule was refused. Texts live as long as the list. */
struct sig_fault {
	const char *file;
	uint32_t line, column; /* from 1, of the word that is meant */
	const char *keyword;   /* that it stands in; "": the header */
	const char *text;
};

/* NULL: out of memory. */
struct sig_list *sig_list_new(void);
void sig_list_free(struct sig_list *l);

/*
 * "$HOME_NET" and the like: a name without '$', and what it stands for, an
 * address or port word of the language. Before rules are read. -EINVAL, -E2BIG
 */
int sig_list_set(struct sig_list *l, const char *name, const char *value,
		 struct err *reterr);

/*
 * Reads the rules of a text (of a file of that name). Comments (#) and empty
 * lines are skipped, a line that ends with a backslash goes on. 0, also when
 * rules were refused; -E2BIG, -ENOMEM, of a file also as open() and read(): what
 * was read until then stays.
 */
int sig_list_text(struct sig_list *l, const char *name, const char *text,
		  size_t len, struct err *reterr);
int sig_list_read(struct sig_list *l, const char *path, struct err *reterr);

/* In the order in which they were read. Borrowed from the list. */
size_t sig_list_len(const struct sig_list *l);
const struct signature *sig_list_at(const struct sig_list *l, size_t i);

/* Refused rules, and the first SIG_FAULTS_MAX of their faults. */
uint64_t sig_list_refused(const struct sig_list *l);
size_t sig_list_faults(const struct sig_list *l);
const struct sig_fault *sig_list_fault(const struct sig_list *l, size_t i);

/* One line, without its end. false: it did not fit into buf. */
bool sig_print(const struct signature *s, char *buf, size_t size);

/* A keyword of the language, for documents and tests. */
struct sig_keyword_text {
	const char *name;
	const char *text;    /* what it means, one sentence */
	const char *differs; /* from Suricata; "": not */
};
/* false: there is no i-th one. Names of buffers and transforms are not here. */
bool sig_keyword_at(unsigned i, struct sig_keyword_text *ret);
