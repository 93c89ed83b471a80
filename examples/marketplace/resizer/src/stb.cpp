// The libraries: Sean Barrett's single headers, of Debian's package libstb-dev, in the public domain
// or under the MIT licence, as one likes. What is not needed is left out: the less there is, the
// less can go wrong with a picture that was made to go wrong.

#define STBI_NO_STDIO
#define STBI_NO_THREAD_LOCALS
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

#define STB_IMAGE_RESIZE_IMPLEMENTATION
#include <stb_image_resize.h>

#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>
