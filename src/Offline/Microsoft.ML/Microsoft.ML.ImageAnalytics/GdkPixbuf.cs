using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Data;

/// <summary>8-bit pixels, row-major, without padding; 3 channels are RGB, 4 are RGBA with straight alpha.</summary>
internal readonly record struct DecodedImage(int Width, int Height, int Channels, byte[] Pixels);

/// <summary>Decodes and encodes images with the system's gdk-pixbuf. Safe to call from several threads at once.</summary>
internal static unsafe partial class GdkPixbuf
{
    internal const long DefaultMaxPixels = 100_000_000;

    private const string PixbufLibrary = "libgdk_pixbuf-2.0.so.0";
    private const string ObjectLibrary = "libgobject-2.0.so.0";
    private const string GlibLibrary = "libglib-2.0.so.0";

    /// <exception cref="InvalidDataException">The bytes are no whole image of a known format, or the image is too large.</exception>
    /// <exception cref="DllNotFoundException">gdk-pixbuf is not installed.</exception>
    internal static DecodedImage Decode(ReadOnlySpan<byte> bytes, string name, long maxPixels = DefaultMaxPixels)
    {
        string format = ImageSignature.Check(bytes, name);
        try
        {
            return DecodeAs(format, bytes, name, maxPixels);
        }
        catch (DllNotFoundException missing)
        {
            throw Missing(missing);
        }
    }

    /// <summary>Encodes RGB (3 channels) or RGBA (4 channels) pixels as "png", "jpeg", "bmp" or "tiff".</summary>
    internal static byte[] Encode(string format, int width, int height, int channels, ReadOnlySpan<byte> pixels)
    {
        try
        {
            return EncodeAs(format, width, height, channels, pixels);
        }
        catch (DllNotFoundException missing)
        {
            throw Missing(missing);
        }
    }

    private static DecodedImage DecodeAs(string format, ReadOnlySpan<byte> bytes, string name, long maxPixels)
    {
        GError* error = null;
        nint loader = gdk_pixbuf_loader_new_with_type(format, &error);
        if (loader == 0)
        {
            string reason = TakeMessage(error);
            string hint = format == "webp" ? " Install the package webp-pixbuf-loader, or convert the image to PNG or JPEG." : "";
            throw new InvalidDataException($"{name}: this system's gdk-pixbuf cannot read {format} images ({reason}).{hint}");
        }

        bool closed = false;
        try
        {
            var progress = new Progress { MaxPixels = maxPixels };
            g_signal_connect_data(loader, "size-prepared", (nint)(delegate* unmanaged[Cdecl]<nint, int, int, Progress*, void>)&OnSizePrepared, &progress, 0, 0);
            if (format == "png")
            {
                g_signal_connect_data(loader, "area-updated", (nint)(delegate* unmanaged[Cdecl]<nint, int, int, int, int, Progress*, void>)&OnAreaUpdated, &progress, 0, 0);
            }

            bool written;
            fixed (byte* data = bytes)
            {
                written = gdk_pixbuf_loader_write(loader, data, (nuint)bytes.Length, &error) != 0;
            }

            // A loader must be closed before its last reference goes, whether or not writing failed.
            closed = true;
            bool whole = gdk_pixbuf_loader_close(loader, written ? &error : null) != 0;
            if (progress.Exceeded != 0)
            {
                TakeMessage(error);
                throw new InvalidDataException(
                    $"{name}: {progress.Width} x {progress.Height} pixels; at most {maxPixels / 1_000_000.0:0.###} megapixels are read.");
            }

            if (!written || !whole)
            {
                throw new InvalidDataException($"{name}: not a whole {format} image ({TakeMessage(error)}).");
            }

            if (format == "png" && progress.Rows < progress.Height)
            {
                throw new InvalidDataException($"{name}: a truncated PNG image: {progress.Rows} of {progress.Height} rows.");
            }

            nint pixbuf = gdk_pixbuf_loader_get_pixbuf(loader);
            if (pixbuf == 0)
            {
                throw new InvalidDataException($"{name}: the {format} file holds no image.");
            }

            nint upright = gdk_pixbuf_apply_embedded_orientation(pixbuf);
            if (upright == 0)
            {
                throw new InvalidDataException($"{name}: not enough memory to turn the image upright.");
            }

            try
            {
                return Copy(upright);
            }
            finally
            {
                g_object_unref(upright);
            }
        }
        finally
        {
            if (!closed)
            {
                gdk_pixbuf_loader_close(loader, null);
            }

            g_object_unref(loader);
        }
    }

    private static DecodedImage Copy(nint pixbuf)
    {
        int width = gdk_pixbuf_get_width(pixbuf);
        int height = gdk_pixbuf_get_height(pixbuf);
        int channels = gdk_pixbuf_get_n_channels(pixbuf);
        int stride = gdk_pixbuf_get_rowstride(pixbuf);
        byte* source = gdk_pixbuf_read_pixels(pixbuf);
        int row = width * channels;
        byte[] pixels = GC.AllocateUninitializedArray<byte>(checked(row * height));
        for (int y = 0; y < height; y++)
        {
            new ReadOnlySpan<byte>(source + (long)y * stride, row).CopyTo(pixels.AsSpan(y * row, row));
        }

        return new DecodedImage(width, height, channels, pixels);
    }

    private static byte[] EncodeAs(string format, int width, int height, int channels, ReadOnlySpan<byte> pixels)
    {
        if (channels is not (3 or 4) || pixels.Length != (long)width * height * channels)
        {
            throw new ArgumentException($"{width} x {height} x {channels} pixels need {(long)width * height * channels} bytes, not {pixels.Length}.", nameof(pixels));
        }

        fixed (byte* data = pixels)
        {
            nint pixbuf = gdk_pixbuf_new_from_data(data, 0, channels == 4 ? 1 : 0, 8, width, height, width * channels, 0, 0);
            if (pixbuf == 0)
            {
                throw new InvalidOperationException("gdk-pixbuf refused the image to encode.");
            }

            byte* buffer = null;
            try
            {
                nuint size = 0;
                GError* error = null;
                if (gdk_pixbuf_save_to_bufferv(pixbuf, &buffer, &size, format, 0, 0, &error) == 0)
                {
                    throw new InvalidOperationException($"The image could not be encoded as {format} ({TakeMessage(error)}).");
                }

                return new ReadOnlySpan<byte>(buffer, checked((int)size)).ToArray();
            }
            finally
            {
                if (buffer != null)
                {
                    g_free(buffer);
                }

                g_object_unref(pixbuf);
            }
        }
    }

    /// <summary>Runs when the header has been read and before the pixels' memory is taken.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnSizePrepared(nint loader, int width, int height, Progress* progress)
    {
        progress->Width = width;
        progress->Height = height;
        if ((long)width * height > progress->MaxPixels)
        {
            progress->Exceeded = 1;
            gdk_pixbuf_loader_set_size(loader, 0, 0); // a size of nothing makes every loader give up
        }
    }

    /// <summary>Counts the rows that were decoded: a PNG whose data ends early is no error to gdk-pixbuf.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnAreaUpdated(nint loader, int x, int y, int width, int height, Progress* progress)
        => progress->Rows = Math.Max(progress->Rows, y + height);

    private static string TakeMessage(GError* error)
    {
        if (error == null)
        {
            return "no reason given";
        }

        string message = Marshal.PtrToStringUTF8(error->Message) ?? "no reason given";
        g_error_free(error);
        return message;
    }

    private static DllNotFoundException Missing(DllNotFoundException inner)
        => new(
            "Reading images needs the system library gdk-pixbuf (libgdk_pixbuf-2.0.so.0), which was not found. "
            + "Install the package libgdk-pixbuf-2.0-0 (Debian, Ubuntu), gdk-pixbuf2 (Fedora, Arch) or gdk-pixbuf (Alpine).",
            inner);

    [StructLayout(LayoutKind.Sequential)]
    private struct Progress
    {
        public long MaxPixels;
        public int Width;
        public int Height;
        public int Exceeded;
        public int Rows;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct GError
    {
        public uint Domain;
        public int Code;
        public nint Message;
    }

    [LibraryImport(PixbufLibrary, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint gdk_pixbuf_loader_new_with_type(string type, GError** error);

    [LibraryImport(PixbufLibrary)]
    private static partial int gdk_pixbuf_loader_write(nint loader, byte* data, nuint count, GError** error);

    [LibraryImport(PixbufLibrary)]
    private static partial int gdk_pixbuf_loader_close(nint loader, GError** error);

    [LibraryImport(PixbufLibrary)]
    private static partial void gdk_pixbuf_loader_set_size(nint loader, int width, int height);

    [LibraryImport(PixbufLibrary)]
    private static partial nint gdk_pixbuf_loader_get_pixbuf(nint loader);

    [LibraryImport(PixbufLibrary)]
    private static partial nint gdk_pixbuf_apply_embedded_orientation(nint pixbuf);

    [LibraryImport(PixbufLibrary)]
    private static partial int gdk_pixbuf_get_width(nint pixbuf);

    [LibraryImport(PixbufLibrary)]
    private static partial int gdk_pixbuf_get_height(nint pixbuf);

    [LibraryImport(PixbufLibrary)]
    private static partial int gdk_pixbuf_get_n_channels(nint pixbuf);

    [LibraryImport(PixbufLibrary)]
    private static partial int gdk_pixbuf_get_rowstride(nint pixbuf);

    [LibraryImport(PixbufLibrary)]
    private static partial byte* gdk_pixbuf_read_pixels(nint pixbuf);

    [LibraryImport(PixbufLibrary)]
    private static partial nint gdk_pixbuf_new_from_data(
        byte* data, int colorspace, int hasAlpha, int bitsPerSample, int width, int height, int rowStride, nint destroy, nint destroyData);

    [LibraryImport(PixbufLibrary, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int gdk_pixbuf_save_to_bufferv(
        nint pixbuf, byte** buffer, nuint* size, string type, nint optionKeys, nint optionValues, GError** error);

    [LibraryImport(ObjectLibrary, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nuint g_signal_connect_data(
        nint instance, string signal, nint handler, Progress* data, nint destroy, int flags);

    [LibraryImport(ObjectLibrary)]
    private static partial void g_object_unref(nint instance);

    [LibraryImport(GlibLibrary)]
    private static partial void g_error_free(GError* error);

    [LibraryImport(GlibLibrary)]
    private static partial void g_free(byte* memory);
}
