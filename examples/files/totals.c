#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    char line[512];
    double total = 0;
    FILE *file = argc > 1 ? fopen(argv[1], "r") : stdin;

    if (file == NULL) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        char *last = strrchr(line, ',');
        if (last != NULL)
            total += strtod(last + 1, NULL);
    }
    printf("%.2f\n", total);
    return EXIT_SUCCESS;
}
