/*
 * What a power cut leaves is NAME.json as it was or as it is now, and perhaps
 * NAME.new, which nobody reads and the next one writes over.
 */
#include "store/copies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"

#define SUFFIX	   ".json"
#define FILE_BYTES (STORE_DOC_NAME_MAX + 8)

bool copy_name_is_good(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n < STORE_DOC_NAME_MAX && !name[n];
}

static const char *file_of(const char *name, const char *suffix,
			   char buf[static FILE_BYTES])
{
	(void)snprintf(buf, FILE_BYTES, "%s%s", name, suffix); /* it fits */
	return buf;
}

static int take_texts(const json_t *about, const json_t *document,
		      struct copy *ret)
{
	ret->body = json_dumps(document, JSON_COMPACT);
	ret->about = json_is_object(about) ? json_dumps(about, JSON_COMPACT)
					   : NULL;
	if (ret->body && (ret->about || !json_is_object(about)))
		return 0;
	copy_done(ret);
	return -ENOMEM;
}

int copy_read(int dir, const char *name, bool body, struct copy *ret)
{
	char file[FILE_BYTES];
	int fd = openat(dir, file_of(name, SUFFIX, file),
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	json_int_t revision;
	json_int_t saved;
	json_t *document;
	json_t *about = NULL;
	json_t *all;
	int rc = -EBADMSG;

	if (fd < 0)
		return -errno;
	all = json_loadfd(fd, 0, NULL);
	(void)close(fd); /* was only read */
	if (json_unpack(all, "{s:I, s:I, s?o, s:o}", "revision", &revision,
			"saved", &saved, "about", &about, "document",
			&document) == 0 &&
	    revision > 0 && saved >= 0) {
		*ret = (struct copy){ .revision = (uint64_t)revision,
				      .saved_s = (uint64_t)saved };
		rc = body ? take_texts(about, document, ret) : 0;
	}
	json_decref(all);
	return rc;
}

void copy_done(struct copy *c)
{
	free(c->about);
	free(c->body);
	c->about = c->body = NULL;
}

/* 0 or -errno; closes fd. */
static int write_all(int fd, const char *name, const struct revision *r)
{
	FILE *f = fdopen(fd, "w");
	int rc = 0;

	if (!f) {
		rc = -errno;
		(void)close(fd); /* nothing was written */
		return rc;
	}
	if (fprintf(f,
		    "{\"name\": \"%s\", \"revision\": %llu, \"saved\": %llu,\n"
		    "%s%s%s\"document\": %s}\n",
		    name, (unsigned long long)r->number,
		    (unsigned long long)r->saved_s,
		    r->about ? "\"about\": " : "", r->about ? r->about : "",
		    r->about ? ",\n" : "", r->body) < 0 ||
	    fflush(f) != 0 || fsync(fd) < 0)
		rc = errno ? -errno : -EIO;
	if (fclose(f) != 0 && rc == 0)
		rc = -errno;
	return rc;
}

int copy_prepare(int dir, const char *name, const struct revision *r)
{
	char file[FILE_BYTES];
	int fd = openat(dir, file_of(name, ".new", file),
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			0600);
	int rc;

	if (fd < 0)
		return -errno;
	rc = write_all(fd, name, r);
	if (rc < 0)
		copy_forget_prepared(dir, name);
	return rc;
}

int copy_commit(int dir, const char *name)
{
	char from[FILE_BYTES];
	char to[FILE_BYTES];

	if (renameat(dir, file_of(name, ".new", from), dir,
		     file_of(name, SUFFIX, to)) < 0 ||
	    fsync(dir) < 0)
		return -errno;
	return 0;
}

void copy_forget_prepared(int dir, const char *name)
{
	char file[FILE_BYTES];

	/* what is left is written over by the next one */
	(void)unlinkat(dir, file_of(name, ".new", file), 0);
}

int copy_delete(int dir, const char *name)
{
	char file[FILE_BYTES];

	if (unlinkat(dir, file_of(name, SUFFIX, file), 0) < 0 &&
	    errno != ENOENT)
		return -errno;
	return fsync(dir) < 0 ? -errno : 0;
}

/* Appends the name, if the file is a copy. */
static int add_name(json_t *names, char *file)
{
	size_t len = strlen(file);
	size_t suffix = strlen(SUFFIX);

	if (len <= suffix || strcmp(file + len - suffix, SUFFIX) != 0)
		return 0;
	file[len - suffix] = '\0';
	if (!copy_name_is_good(file))
		return 0;
	return json_array_append_new(names, json_string(file));
}

json_t *copy_names(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	json_t *names = d ? json_array() : NULL;
	struct dirent *e;

	if (!d) {
		int code = errno;

		if (fd >= 0)
			(void)close(fd); /* was only read */
		errno = code;
		return NULL;
	}
	while (names && (e = readdir(d)))
		if (add_name(names, e->d_name) < 0) {
			json_decref(names);
			names = NULL;
		}
	(void)closedir(d); /* was only read */
	if (!names)
		errno = ENOMEM;
	return names;
}
