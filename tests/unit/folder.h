/*
 * A folder of a test's own, below TMPDIR.
 */
#pragma once

/* Makes it; its path is the caller's, until folder_remove(). */
char *folder_make(void);
/* With all that is in it. */
void folder_remove(char *path);
/* "FOLDER/name", overwritten by the next call but one. */
const char *folder_file(const char *path, const char *name);
