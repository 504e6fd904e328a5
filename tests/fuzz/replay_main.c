/* Runs a fuzz target once on each file that is named, and on each file of each
 * folder that is named: the corpus in the ordinary test run, without libFuzzer. */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
stop_at(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(2);
}

/* One block of exactly the file's size, so that a sanitizer sees its end. */
static void
replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (file == NULL || data == NULL || fread(data, 1, size, file) != size) {
        stop_at(path);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static unsigned long replay(const char *path);

static unsigned long
replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        stop_at(path);
    }
    unsigned long count = 0;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char inner[4096];
        int len = snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        if (len < 0 || (size_t)len >= sizeof(inner)) {
            errno = ENAMETOOLONG;
            stop_at(path);
        }
        count += replay(inner);
    }
    closedir(folder);
    return count;
}

static unsigned long
replay(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        stop_at(path);
    }
    if (S_ISDIR(info.st_mode)) {
        return replay_folder(path);
    }
    replay_file(path, (size_t)info.st_size);
    return 1;
}

int
main(int argc, char **argv)
{
    unsigned long count = 0;
    for (int i = 1; i < argc; i++) {
        count += replay(argv[i]);
    }
    if (count == 0) {
        fprintf(stderr, "%s: no input to replay; name files or folders\n", argv[0]);
        return 2;
    }
    printf("%lu inputs\n", count);
    return 0;
}
