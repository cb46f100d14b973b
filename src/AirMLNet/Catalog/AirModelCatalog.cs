using System.Reflection;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using AirMLNet.Pipeline;
using AirMLNet.Weights;

namespace Microsoft.ML;

/// <summary>Loading of models that hold AirMLNet's stages, on <see cref="MLContext.Model"/>.</summary>
public static class AirModelCatalog
{
    /// <summary>
    /// As <see cref="ModelOperationsCatalog.Load(string, out DataViewSchema)"/>, which gives the same model. ML.NET hides what a
    /// stage says of a model that it cannot load behind a <see cref="TargetInvocationException"/>; here it comes as it is.
    /// </summary>
    /// <param name="catalog">The model catalog.</param>
    /// <param name="filePath">The model's zip file.</param>
    /// <param name="inputSchema">The schema that the model was saved with.</param>
    /// <exception cref="FileNotFoundException">
    /// The model refers to CLIP weights that are not here; the message says which, and where they were looked for.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The weights found, or the preprocessing and activation beside them, are others than those that the model was fitted with, or it
    /// computes in numbers that only GPUs have.
    /// </exception>
    /// <exception cref="FormatException">The file is damaged, or of a newer format.</exception>
    public static ITransformer LoadAdapted(this ModelOperationsCatalog catalog, string filePath, out DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        using var zip = ModelZip.Open(filePath);
        try
        {
            DataViewSchema? schema = null;
            var model = SavedModelPlace.While(filePath, () => catalog.Load(zip, out schema));
            inputSchema = schema!;
            return model;
        }
        catch (Exception e) when (Cause(e) is InvalidOperationException or FormatException or FileNotFoundException)
        {
            // A stage does not know in which file it lies, and ML.NET does not say.
            var cause = Cause(e)!;
            var message = $"{filePath}: {cause.Message}";
            throw cause switch
            {
                FileNotFoundException missing => new FileNotFoundException(message, missing.FileName, e),
                FormatException => new FormatException(message, e),
                _ => new InvalidOperationException(message, e),
            };
        }
        catch (Exception e) when (IsDamage(Cause(e) ?? e))
        {
            // ML.NET does not name the file, and ends in whatever its damage leads to.
            var cause = Cause(e) ?? e;
            throw new FormatException(
                $"{filePath} is no whole model: {cause.Message}{(cause is FileLoadException named ? $" ({named.FileName})" : "")}",
                e
            );
        }
        catch (Exception wrapped) when (Cause(wrapped) is { } cause)
        {
            ExceptionDispatchInfo.Throw(cause);
            throw;
        }
    }

    /// <summary>Whether it speaks of the file, and not of a disk, a device or memory.</summary>
    private static bool IsDamage(Exception e) =>
        e is EndOfStreamException or FileLoadException or SafetensorsException
        || e is not (IOException or UnauthorizedAccessException or OutOfMemoryException or OperationCanceledException or ExternalException);

    /// <summary>What reflection wrapped, through all the chains in which the stage lies; null where nothing was wrapped.</summary>
    private static Exception? Cause(Exception e)
    {
        var cause = e;
        while (
            cause
                is TargetInvocationException { InnerException: not null }
                    or InvalidOperationException { InnerException: TargetInvocationException }
        )
        {
            cause = cause.InnerException!;
        }

        return ReferenceEquals(cause, e) ? null : cause;
    }
}
