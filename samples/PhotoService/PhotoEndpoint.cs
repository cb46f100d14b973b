using AirMLNet.Images;

namespace PhotoService;

/// <summary>POST /classify.</summary>
internal static class PhotoEndpoint
{
    private const int Best = 3;
    private const int ClientClosedRequest = 499; // nobody reads it, but it stands in the server's log

    public static async Task<IResult> Classify(
        HttpRequest request,
        PhotoSettings settings,
        PhotoClassifier classifier,
        ILogger<PhotoClassifier> log
    )
    {
        var gone = request.HttpContext.RequestAborted;
        try
        {
            if (request.ContentLength > settings.MaxBody)
            {
                await request.Body.CopyToAsync(Stream.Null, gone);
                return TooLarge(settings);
            }

            var (photo, name) = await Read(request, settings, gone);
            if (photo is null)
            {
                return Results.Problem(
                    "Send the photo's bytes as 'image/jpeg', another 'image/…' or 'application/octet-stream', or one file as "
                        + "'multipart/form-data'.",
                    statusCode: StatusCodes.Status415UnsupportedMediaType
                );
            }

            if (photo.Length > settings.MaxBytes)
            {
                await request.Body.CopyToAsync(Stream.Null, gone);
                return TooLarge(settings);
            }

            var classes = await classifier.ClassifyAsync(photo, name, gone);
            return Results.Ok(new Named([.. classes.Take(Best).Select(c => new NamedClass(c.Name, c.Score))]));
        }
        catch (UnreadableImageException e)
        {
            return Results.Problem(e.Message, statusCode: StatusCodes.Status422UnprocessableEntity);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return TooLarge(settings);
        }
        catch (Exception e)
            when (e is OperationCanceledException or BadHttpRequestException || (e is IOException && gone.IsCancellationRequested))
        {
            log.LogInformation("A client went away; its photo is not classified.");
            return Results.StatusCode(ClientClosedRequest);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return Results.Problem(e.Message, statusCode: StatusCodes.Status400BadRequest); // a form that cannot be read
        }
    }

    /// <summary>The photo and what to call it; null where the request holds none.</summary>
    private static async Task<(byte[]? Photo, string Name)> Read(HttpRequest request, PhotoSettings settings, CancellationToken gone)
    {
        var type = request.ContentType ?? "";
        if (type.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase))
        {
            var form = await request.ReadFormAsync(gone);
            if (form.Files is not [var file])
            {
                return (null, "");
            }

            await using var part = file.OpenReadStream();
            return (await ReadAll(part, file.Length, settings, gone), Path.GetFileName(file.FileName));
        }

        return
            type.StartsWith("image/", StringComparison.OrdinalIgnoreCase)
            || type.StartsWith("application/octet-stream", StringComparison.OrdinalIgnoreCase)
            ? (await ReadAll(request.Body, request.ContentLength ?? 0, settings, gone), "the photo")
            : (null, "");
    }

    /// <summary>All bytes, or the first ones of a body without a length that turns out too large.</summary>
    private static async Task<byte[]> ReadAll(Stream stream, long length, PhotoSettings settings, CancellationToken gone)
    {
        // The length is the client's word.
        using var bytes = new MemoryStream((int)Math.Min(length, 1 << 20));
        var part = new byte[1 << 16];
        while (bytes.Length <= settings.MaxBytes && await stream.ReadAsync(part, gone) is > 0 and var read)
        {
            bytes.Write(part, 0, read);
        }

        return bytes.ToArray();
    }

    private static IResult TooLarge(PhotoSettings settings) =>
        Results.Problem($"A photo has at most {settings.MaxBytes} bytes.", statusCode: StatusCodes.Status413PayloadTooLarge);
}

/// <summary>What a photo shows, best first.</summary>
internal sealed record Named(NamedClass[] Classes);

/// <summary>A class and its probability.</summary>
internal sealed record NamedClass(string Name, float Score);
