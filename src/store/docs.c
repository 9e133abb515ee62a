/*
 * Documents: rows of their revisions, and a plain copy of the one in force.
 *
 *   put   begin, row, copy beside the old one (synced), commit (synced),
 *         copy in place (synced)
 *   del   begin, row without body, copy away (synced), commit (synced)
 *
 * So who was told "saved" has both; what fails before the commit leaves both as
 * they were; and a crash between leaves a copy that is at most older than the
 * rows, or away although the document is still there. A copy that is newer than
 * the rows, or has none, means that the file was lost or an old one put back.
 * docs_agree() decides by that: the newer one is the document.
 *
 * What the file does not have or cannot tell, the copy does: store_get_doc().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/copies.h"
#include "store/db.h"

/* The newest row of a document; revision 0: none. */
struct last {
	uint64_t revision;
	bool is_deleted;
	uint64_t saved_s;
};

static int last_of(struct store *s, const char *name, struct last *ret,
		   struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = db_use(s, DB_DOC_LAST, &st, reterr);

	*ret = (struct last){ 0 };
	if (rc < 0)
		return rc;
	db_bind_text(st, 1, name);
	rc = db_step(s, st, reterr);
	if (rc <= 0)
		return rc;
	ret->revision = (uint64_t)sqlite3_column_int64(st, 0);
	ret->is_deleted = sqlite3_column_int(st, 1);
	ret->saved_s = (uint64_t)sqlite3_column_int64(st, 2);
	db_end(st);
	return 0;
}

/* The one text of a revision's row; NULL: there is none. *ret is the caller's. */
static int text_in(struct store *s, enum db_statement which, const char *name,
		   uint64_t revision, char **ret, struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	const char *text;
	int rc = db_use(s, which, &st, reterr);

	*ret = NULL;
	if (rc < 0)
		return rc;
	db_bind_text(st, 1, name);
	db_bind(st, 2, revision);
	rc = db_step(s, st, reterr);
	if (rc < 0)
		return rc;
	text = rc ? (const char *)sqlite3_column_text(st, 0) : NULL;
	*ret = text ? strdup(text) : NULL;
	db_end(st);
	return *ret || !text ? 0
			     : err_set(reterr, ENOMEM, name, "out of memory");
}

/* -ENOENT. *ret is the caller's. */
static int body_of(struct store *s, const char *name, uint64_t revision,
		   char **ret, struct err *reterr)
{
	int rc = text_in(s, DB_DOC_BODY, name, revision, ret, reterr);

	return rc < 0 || *ret
		       ? rc
		       : err_set(reterr, ENOENT, name, "no such document");
}

/* And forgets it of those that are forgotten. */
static int add_about(struct store *s, const char *name,
		     const struct revision *r, struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = db_use(s, DB_ABOUT_PUT, &st, reterr);

	if (rc < 0)
		return rc;
	db_bind_text(st, 1, name);
	db_bind(st, 2, r->number);
	db_bind_text(st, 3, r->about);
	rc = db_run(s, st, reterr);
	if (rc == 0)
		rc = db_use(s, DB_ABOUT_FORGET, &st, reterr);
	if (rc < 0)
		return rc;
	db_bind_text(st, 1, name);
	return db_run(s, st, reterr);
}

/* A new row. Of all there are then only `keep` stay, and not too large ones. */
static int add_revision(struct store *s, const char *name,
			const struct revision *r, unsigned keep,
			struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = db_use(s, DB_DOC_PUT, &st, reterr);

	if (rc < 0)
		return rc;
	db_bind_text(st, 1, name);
	db_bind(st, 2, r->number);
	db_bind(st, 3, r->saved_s);
	if (r->body) {
		db_bind(st, 4, strlen(r->body));
		db_bind_text(st, 5, r->body);
	}
	rc = db_run(s, st, reterr);
	if (rc == 0)
		rc = db_use(s, DB_DOC_FORGET, &st, reterr);
	if (rc < 0)
		return rc;
	db_bind_text(st, 1, name);
	db_bind(st, 2, keep);
	db_bind(st, 3, STORE_REVISIONS_BYTES);
	rc = db_run(s, st, reterr);
	return rc == 0 && r->about ? add_about(s, name, r, reterr) : rc;
}

/* --- lists ------------------------------------------------------------ */

/* Appends a row's columns as an object, and what is told about it. */
static int append_row(json_t *list, sqlite3_stmt *st)
{
	bool is_deleted = sqlite3_column_type(st, 3) == SQLITE_NULL;
	const char *text = sqlite3_column_count(st) > 4
				   ? (const char *)sqlite3_column_text(st, 4)
				   : NULL;
	json_t *about = text ? json_loads(text, 0, NULL) : NULL;
	json_t *row = json_pack(
		"{s:s, s:I, s:I, s:o}", "name", sqlite3_column_text(st, 0),
		"revision", (json_int_t)sqlite3_column_int64(st, 1), "saved",
		(json_int_t)sqlite3_column_int64(st, 2),
		is_deleted ? "deleted" : "bytes",
		is_deleted ? json_true()
			   : json_integer(sqlite3_column_int64(st, 3)));

	(void)json_object_update_missing(row, about); /* if there is any */
	json_decref(about);
	return row ? json_array_append_new(list, row) : -1;
}

/* All rows of the statement. */
static int list_rows(struct store *s, sqlite3_stmt *st, json_t **ret,
		     struct err *reterr)
{
	json_t *list = json_array();
	int rc = list ? 1 : -ENOMEM;

	while (rc > 0) {
		rc = db_step(s, st, reterr);
		if (rc > 0 && append_row(list, st) < 0)
			rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	db_end(st);
	if (rc < 0)
		json_decref(list);
	else
		*ret = list;
	return rc;
}

static int list_all(struct store *s, json_t **ret, struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = db_use(s, DB_DOC_LIST, &st, reterr);

	return rc < 0 ? rc : list_rows(s, st, ret, reterr);
}

/* --- copies ----------------------------------------------------------- */

static void copy_is_late(struct store *s, int code)
{
	s->copies_are_late = true;
	(void)store_failed(s, code, "copying a document", NULL);
}

/* The copy is written from the row, if there is one. */
static int write_copy(struct store *s, const char *name,
		      const struct last *last, struct err *reterr)
{
	struct revision r = { .number = last->revision,
			      .saved_s = last->saved_s };
	char *body = NULL, *about = NULL;
	int rc = body_of(s, name, last->revision, &body, reterr);

	if (rc == 0)
		rc = text_in(s, DB_ABOUT, name, last->revision, &about, reterr);
	if (rc == 0) {
		r.about = about;
		r.body = body;
		rc = copy_prepare(s->copies, name, &r);
		if (rc == 0)
			rc = copy_commit(s->copies, name);
		if (rc < 0)
			copy_is_late(s, -rc);
		rc = 0;
	}
	free(about);
	free(body);
	return rc;
}

static int adopt_copy(struct store *s, const char *name, struct err *reterr)
{
	struct revision r;
	struct copy copy;
	int rc = copy_read(s->copies, name, true, &copy);

	if (rc < 0)
		return store_failed(s, -rc, "reading a document's copy",
				    reterr);
	r = (struct revision){ copy.revision, copy.saved_s, copy.about,
			       copy.body };
	rc = db_begin(s, true, reterr);
	if (rc == 0) {
		rc = add_revision(s, name, &r, STORE_REVISIONS_MAX, reterr);
		if (rc == 0)
			rc = db_commit(s, reterr);
		else
			db_rollback(s);
	}
	copy_done(&copy);
	return rc;
}

static int agree_on(struct store *s, const char *name, struct err *reterr)
{
	struct last last = { 0 };
	struct copy copy = { 0 };
	int rc = last_of(s, name, &last, reterr);
	int read;

	if (rc < 0)
		return rc;
	read = copy_read(s->copies, name, false, &copy);
	if (read == 0 && copy.revision > last.revision)
		return adopt_copy(s, name, reterr);
	if (last.revision && last.is_deleted) {
		rc = copy_delete(s->copies, name);
		if (rc < 0)
			copy_is_late(s, -rc);
		return 0;
	}
	if (read == 0 && copy.revision == last.revision)
		return 0;
	if (last.revision)
		return write_copy(s, name, &last, reterr);
	/* neither a row nor a copy that can be read: that is told, not lost */
	(void)snprintf(s->notice, sizeof s->notice,
		       "documents/%s.json cannot be read: %s", name,
		       strerror(-read)); /* cut is better than none */
	return 0;
}

/* Names of rows and copies, some twice. */
static int all_names(struct store *s, json_t **ret, struct err *reterr)
{
	json_t *names = copy_names(s->copies);
	json_t *rows = NULL;
	json_t *row;
	size_t i;
	int rc;

	if (!names)
		return store_failed(s, errno, "listing documents' copies",
				    reterr);
	rc = list_all(s, &rows, reterr);
	if (rc < 0) {
		json_decref(names);
		return rc;
	}
	json_array_foreach (rows, i, row)
		if (json_array_append(names, json_object_get(row, "name")) < 0)
			rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	json_decref(rows);
	if (rc < 0)
		json_decref(names);
	else
		*ret = names;
	return rc;
}

int docs_agree(struct store *s, struct err *reterr)
{
	json_t *names = NULL;
	json_t *name;
	size_t i;
	int rc = all_names(s, &names, reterr);

	if (rc < 0)
		return rc;
	s->copies_are_late = false;
	json_array_foreach (names, i, name)
		if (rc == 0)
			rc = agree_on(s, json_string_value(name), reterr);
	json_decref(names);
	return rc;
}

/* --- one document ----------------------------------------------------- */

static int name_check(const char *name, struct err *reterr)
{
	if (copy_name_is_good(name))
		return 0;
	return err_set(reterr, EINVAL, "name",
		       "a document's name is 1 to %d of a-z, 0-9 and -",
		       STORE_DOC_NAME_MAX - 1);
}

/* Within a transaction; the copy is prepared with it. Gives r its number. */
static int put_row(struct store *s, const char *name, struct revision *r,
		   uint64_t expect, struct err *reterr)
{
	struct last last = { 0 };
	int rc = last_of(s, name, &last, reterr);

	if (rc < 0)
		return rc;
	if (expect && expect != last.revision)
		return err_set(reterr, ESTALE, name,
			       "is of revision %llu by now, not %llu",
			       (unsigned long long)last.revision,
			       (unsigned long long)expect);
	r->number = last.revision + 1;
	r->saved_s = clock_unix_us() / USEC_PER_SEC;
	rc = add_revision(s, name, r, STORE_REVISIONS_MAX, reterr);
	if (rc < 0)
		return rc;
	rc = copy_prepare(s->copies, name, r);
	return rc < 0 ? store_failed(s, -rc, "copying a document", reterr) : 0;
}

static int put_revision(struct store *s, const char *name, struct revision *r,
			uint64_t expect, struct err *reterr)
{
	int rc = db_begin(s, true, reterr);

	if (rc < 0)
		return rc;
	rc = put_row(s, name, r, expect, reterr);
	if (rc < 0) {
		db_rollback(s);
		return rc;
	}
	rc = db_commit(s, reterr);
	if (rc < 0) {
		copy_forget_prepared(s->copies, name);
		return rc;
	}
	rc = copy_commit(s->copies, name);
	if (rc < 0)
		copy_is_late(s, -rc);
	return 0;
}

static int size_check(const char *name, const char *body, struct err *reterr)
{
	if (strlen(body) <= STORE_DOC_BYTES_MAX)
		return 0;
	return err_set(reterr, E2BIG, name, "a document has at most %u bytes",
		       STORE_DOC_BYTES_MAX);
}

/* The document as text, that the caller frees also on failure. */
static int text_of(const char *name, const json_t *doc, char **ret,
		   struct err *reterr)
{
	int rc = name_check(name, reterr);

	*ret = rc < 0 ? NULL : json_dumps(doc, JSON_COMPACT);
	if (rc < 0)
		return rc;
	if (!*ret) {
		(void)err_set(reterr, EINVAL, name,
			      "a document is an object or an array");
		return -EINVAL;
	}
	return size_check(name, *ret, reterr);
}

int store_put_doc(struct store *s, const char *name, const json_t *doc,
		  uint64_t expect, uint64_t *ret_revision, struct err *reterr)
{
	char *body = NULL;
	int rc = text_of(name, doc, &body, reterr);

	if (rc == 0)
		rc = store_put_text(s, name, body, NULL, expect, ret_revision,
				    reterr);
	free(body);
	return rc;
}

/* The same, and what is told about it. */
static int put_text(struct store *s, const char *name, struct revision *r,
		    uint64_t expect, struct err *reterr)
{
	int rc = name_check(name, reterr);

	if (rc == 0)
		rc = size_check(name, r->body, reterr);
	if (rc == 0)
		rc = db_ready(s, reterr);
	if (rc == 0)
		rc = put_revision(s, name, r, expect, reterr);
	if (rc == -ENOSPC && s->db && reserve_release(s))
		rc = put_revision(s, name, r, expect, reterr);
	if (rc == 0)
		/* what was used up; if it cannot be had, the state says so */
		(void)reserve_take(s, NULL);
	return rc;
}

int store_put_text(struct store *s, const char *name, const char *body,
		   const json_t *about, uint64_t expect, uint64_t *ret_revision,
		   struct err *reterr)
{
	char *text = about ? json_dumps(about, JSON_COMPACT) : NULL;
	struct revision r = { .about = text, .body = body };
	int rc = !about || text
			 ? put_text(s, name, &r, expect, reterr)
			 : err_set(reterr, ENOMEM, name, "out of memory");

	free(text);
	if (rc == 0 && ret_revision)
		*ret_revision = r.number;
	return rc;
}

static int put_note(struct store *s, const char *name, const char *body,
		    struct err *reterr)
{
	struct revision r = { .saved_s = clock_unix_us() / USEC_PER_SEC,
			      .body = body };
	struct last last = { 0 };
	int rc = db_begin(s, false, reterr);

	if (rc < 0)
		return rc;
	rc = last_of(s, name, &last, reterr);
	r.number = last.revision + 1;
	if (rc == 0)
		rc = add_revision(s, name, &r, 1, reterr);
	if (rc == 0)
		return db_commit(s, reterr);
	db_rollback(s);
	return rc;
}

int store_put_note(struct store *s, const char *name, const json_t *doc,
		   struct err *reterr)
{
	char *body = NULL;
	int rc = text_of(name, doc, &body, reterr);

	if (rc == 0)
		rc = db_ready(s, reterr);
	if (rc == 0)
		rc = reserve_take(s, reterr);
	if (rc == 0)
		rc = put_note(s, name, body, reterr);
	free(body);
	return rc;
}

static int del_row(struct store *s, const char *name, struct err *reterr)
{
	struct revision r = { .saved_s = clock_unix_us() / USEC_PER_SEC };
	struct last last = { 0 };
	int rc = last_of(s, name, &last, reterr);

	if (rc < 0)
		return rc;
	if (!last.revision || last.is_deleted)
		return err_set(reterr, ENOENT, name, "no such document");
	r.number = last.revision + 1;
	rc = add_revision(s, name, &r, STORE_REVISIONS_MAX, reterr);
	if (rc < 0)
		return rc;
	rc = copy_delete(s->copies, name);
	if (rc < 0)
		return store_failed(s, -rc, "deleting a document's copy",
				    reterr);
	return 0;
}

static int del_doc(struct store *s, const char *name, struct err *reterr)
{
	int rc = db_begin(s, true, reterr);

	if (rc < 0)
		return rc;
	rc = del_row(s, name, reterr);
	if (rc < 0)
		db_rollback(s);
	else
		rc = db_commit(s, reterr);
	return rc;
}

int store_del_doc(struct store *s, const char *name, struct err *reterr)
{
	int rc = name_check(name, reterr);

	if (rc == 0)
		rc = db_ready(s, reterr);
	if (rc < 0)
		return rc;
	rc = del_doc(s, name, reterr);
	if (rc == -ENOSPC && reserve_release(s))
		rc = del_doc(s, name, reterr);
	/* the copy may be away already; if that fails too, the state says so */
	if (rc < 0 && rc != -ENOENT)
		(void)docs_agree(s, NULL);
	return rc;
}

/* From the rows; -ENOENT. Text that is none is a damaged file. */
static int read_revision(struct store *s, const char *name, uint64_t revision,
			 json_t **ret, struct err *reterr)
{
	char *body = NULL;
	int rc = body_of(s, name, revision, &body, reterr);

	if (rc < 0)
		return rc;
	*ret = json_loads(body, 0, NULL);
	free(body);
	if (*ret)
		return 0;
	s->is_damaged = true;
	return store_failed(s, EIO, "reading a damaged document", reterr);
}

static int get_row(struct store *s, const char *name, json_t **ret,
		   uint64_t *ret_revision, struct err *reterr)
{
	struct last last = { 0 };
	int rc = db_ready(s, reterr);

	if (rc == 0)
		rc = last_of(s, name, &last, reterr);
	if (rc < 0)
		return rc;
	if (!last.revision)
		return err_set(reterr, ENOENT, name, "no such document");
	*ret_revision = last.revision;
	return read_revision(s, name, last.revision, ret, reterr);
}

int store_get_doc(struct store *s, const char *name, json_t **ret,
		  uint64_t *ret_revision, struct err *reterr)
{
	uint64_t revision = 0;
	struct copy copy;
	int rc = name_check(name, reterr);
	int read;

	if (rc < 0)
		return rc;
	rc = get_row(s, name, ret, &revision, reterr);
	if (rc < 0) {
		read = copy_read(s->copies, name, true, &copy);
		if (read == -ENOENT)
			/* each document has a copy: without file, that decides */
			return s->db ? rc
				     : err_set(reterr, ENOENT, name,
					       "no such document");
		if (read < 0)
			return store_failed(
				s, -read, "reading a document's copy", reterr);
		revision = copy.revision;
		*ret = json_loads(copy.body, 0, NULL);
		copy_done(&copy);
		if (!*ret)
			return err_set(reterr, ENOMEM, name, "out of memory");
	}
	if (ret_revision)
		*ret_revision = revision;
	return 0;
}

/* --- what was --------------------------------------------------------- */

int store_get_doc_at(struct store *s, const char *name, uint64_t revision,
		     json_t **ret, struct err *reterr)
{
	int rc = name_check(name, reterr);

	if (rc == 0)
		rc = db_ready(s, reterr);
	if (rc == 0 && revision > INT64_MAX)
		rc = err_set(reterr, ENOENT, name, "no such revision");
	return rc < 0 ? rc : read_revision(s, name, revision, ret, reterr);
}

int store_list_docs(struct store *s, json_t **ret, struct err *reterr)
{
	json_t *list = NULL;
	int rc = db_ready(s, reterr);

	if (rc == 0)
		rc = list_all(s, &list, reterr);
	if (rc < 0)
		return rc;
	for (size_t i = json_array_size(list); i-- > 0;)
		if (json_object_get(json_array_get(list, i), "deleted"))
			(void)json_array_remove(list, i); /* it is there */
	*ret = list;
	return 0;
}

int store_doc_history(struct store *s, const char *name, json_t **ret,
		      struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = name_check(name, reterr);

	if (rc == 0)
		rc = db_ready(s, reterr);
	if (rc == 0)
		rc = db_use(s, DB_DOC_HISTORY, &st, reterr);
	if (rc < 0)
		return rc;
	db_bind_text(st, 1, name);
	return list_rows(s, st, ret, reterr);
}
