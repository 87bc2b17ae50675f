#!/bin/sh
# Runs exacta with the Node, Dawn and Vulkan loader beside it, on x86-64 Linux with glibc and a graphics driver: ./run --help
program=$0
[ -L "$program" ] && program=$(readlink -f "$program")
here=$(CDPATH='' cd "$(dirname "$program")" && pwd)
linker=/lib64/ld-linux-x86-64.so.2
if [ ! -x "$linker" ]; then
  echo "run: expected x86-64 Linux with glibc 2.34 or newer, got one without $linker" >&2
  exit 2
fi
# Some containers have NVIDIA's driver here, outside the search paths of the linker and the Vulkan loader.
nvidia=/usr/local/nvidia
libraries=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib:$nvidia/lib64:$nvidia/lib

# Whether the linker finds everything that library $2 links, given the folders $1.
links() {
  case $(LD_LIBRARY_PATH=$1 "$linker" --list "$2" 2>&1) in
    *'not found'* | *'cannot open'*) return 1 ;;
  esac
}
# Adds the folder of spare libraries $1 where library $2 does not link without it and $3 does with it. The libraries of the system
# come first, since its driver may need newer ones.
spare() {
  links "$libraries" "$2" || ! links "$here/lib/$1:$libraries" "$3" || libraries=$here/lib/$1:$libraries
}
dawn=$here/node_modules/webgpu/dist/linux-x64/dawn.node
spare cpp "$dawn" "$dawn"
spare x11 libXext.so.6 "$here/lib/x11/libXext.so.6"

export LD_LIBRARY_PATH="$libraries"
export VK_ADD_DRIVER_FILES="${VK_ADD_DRIVER_FILES:+$VK_ADD_DRIVER_FILES:}$nvidia/share/vulkan/icd.d"
exec "$here/node" "$here/dist/node/exacta.js" "$@"
