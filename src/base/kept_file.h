/*
 * Small files that a process keeps for itself, such as keys: nobody else may read them, and each is
 * replaced as a whole, so that a crash leaves the old one or the new one.
 */
#ifndef NEAP_BASE_KEPT_FILE_H
#define NEAP_BASE_KEPT_FILE_H

#include "base/err.h"
#include "base/out.h"

/*
 * Writes the bytes to a temporary file beside it (mode 0600), to the disk, and gives that the name.
 * ERR_SYSTEM: it cannot be written, and what was there before stays.
 */
enum err kept_file_write(const char *path, struct str bytes, struct error *e);

/*
 * Appends what the file has. ERR_GONE: there is no such file; ERR_LIMIT: it is larger than what
 * there is room for; ERR_INVALID: it is no regular file.
 */
enum err kept_file_read(const char *path, struct out *out, struct error *e);

/*
 * Could kept_file_folder make it, and files in it? Nothing is made. ERR_SYSTEM: no, and the text says
 * which folder is in the way.
 */
enum err kept_file_look(const char *path, struct error *e);

/* Makes the folder (mode 0700) unless there is one, and says whether files can be made in it. */
enum err kept_file_folder(const char *path, struct error *e);

#endif
