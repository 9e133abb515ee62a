/*
 * Reads the fields of one JSON object, with an error that names the field.
 *
 * The first error sticks: later reads do nothing, so a parser reads all its
 * fields in a row and asks once, with fields_close(). Every read says whether
 * the field was there; a missing FIELD_MUST is an error, a missing FIELD_MAY
 * leaves *ret as the caller has set it (the default). JSON null counts as
 * missing, because Go prints nil that way.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

#define FIELDS_ASKED_MAX 64

enum field_need { FIELD_MAY, FIELD_MUST };

struct fields {
	const json_t *obj;
	struct err *reterr;
	int rc; /* 0, or the sticky -errno */
	bool strict;
	unsigned n_asked;
	const char *asked[FIELDS_ASKED_MAX];
};

/* strict: fields_close() refuses a field that was not asked for. */
struct fields fields_open(const json_t *v, bool strict, struct err *reterr);
int fields_close(struct fields *f);
/* A value is of the right form but makes no sense: sets the sticky error. */
void fields_refuse(struct fields *f, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

bool field_bool(struct fields *f, const char *name, enum field_need need,
		bool *ret);
/* An integer in min..max. */
bool field_u32(struct fields *f, const char *name, enum field_need need,
	       uint32_t min, uint32_t max, uint32_t *ret);
/* At most INT64_MAX: JSON has no larger ones. */
bool field_u64(struct fields *f, const char *name, enum field_need need,
	       uint64_t *ret);
bool field_u16(struct fields *f, const char *name, enum field_need need,
	       uint16_t min, uint16_t max, uint16_t *ret);
bool field_u8(struct fields *f, const char *name, enum field_need need,
	      uint8_t min, uint8_t max, uint8_t *ret);
/* *ret borrows from the object. max_len in bytes. */
bool field_str(struct fields *f, const char *name, enum field_need need,
	       size_t max_len, const char **ret);
/* "" gives the zero MAC and counts as missing. */
bool field_mac(struct fields *f, const char *name, enum field_need need,
	       struct mac *ret);
bool field_ip(struct fields *f, const char *name, enum field_need need,
	      struct ip_addr *ret);
/*
 * An array of at most max elements; one more: E2BIG. *ret borrows from the
 * object.
 */
bool field_array(struct fields *f, const char *name, enum field_need need,
		 size_t max, const json_t **ret);
/* An object; *ret borrows from the one it is in. */
bool field_object(struct fields *f, const char *name, enum field_need need,
		  const json_t **ret);
/*
 * An object with fields of its own, strict; false: it is not there, and *ret
 * untouched. What is wrong in it becomes f's error, with its name before.
 */
bool field_part(struct fields *f, const char *name, struct fields *ret);
void field_part_close(struct fields *f, const char *name, struct fields *part);
/* One of n words; *ret: which. */
bool field_word(struct fields *f, const char *name, const char *const *words,
		size_t n, unsigned *ret);
/*
 * An array of MACs as a new array the caller frees with free(), also after a
 * later error; *ret is untouched when there is none or it is empty. Where the
 * sender is not strict, "" (Go's nil) in it is passed over.
 */
bool field_macs(struct fields *f, const char *name, enum field_need need,
		size_t max, struct mac **ret, size_t *ret_n);

/* The JSON type in words: "a string", "null". Static storage. */
const char *json_type_name(const json_t *v);
