namespace Microsoft.ML;

/// <summary>What kind of model a file part holds, in which version, and who loads it.</summary>
internal readonly struct VersionInfo
{
    public readonly ulong ModelSignature;

    public readonly uint VerWrittenCur;

    /// <summary>The oldest version of the code that can read what is written.</summary>
    public readonly uint VerReadableCur;

    /// <summary>The oldest version that this code can still read.</summary>
    public readonly uint VerWeCanReadBack;

    public readonly string LoaderAssemblyName;

    public readonly string LoaderSignature;

    public readonly string LoaderSignatureAlt;

    /// <param name="modelSignature">Exactly eight ASCII characters.</param>
    /// <param name="verWrittenCur">The version that is written.</param>
    /// <param name="verReadableCur">The oldest version that can read it.</param>
    /// <param name="verWeCanReadBack">The oldest version that can be read.</param>
    /// <param name="loaderAssemblyName">The full name of the assembly with the loader.</param>
    /// <param name="loaderSignature">At most 24 ASCII characters.</param>
    /// <param name="loaderSignatureAlt">At most 24 ASCII characters.</param>
    public VersionInfo(
        string modelSignature,
        uint verWrittenCur,
        uint verReadableCur,
        uint verWeCanReadBack,
        string loaderAssemblyName,
        string loaderSignature = null,
        string loaderSignatureAlt = null)
    {
        if (modelSignature is not { Length: 8 } || modelSignature.Any(c => c is < ' ' or > '~'))
            throw new ArgumentException($"A model signature has exactly eight ASCII characters, which '{modelSignature}' has not", nameof(modelSignature));
        if (verWeCanReadBack > verWrittenCur || verReadableCur > verWrittenCur)
            throw new ArgumentOutOfRangeException(nameof(verWrittenCur), verWrittenCur, "The current version must be able to read what it writes");
        ModelHeader.CheckSignature(loaderSignature, nameof(loaderSignature));
        ModelHeader.CheckSignature(loaderSignatureAlt, nameof(loaderSignatureAlt));
        ModelSignature = Pack(modelSignature);
        VerWrittenCur = verWrittenCur;
        VerReadableCur = verReadableCur;
        VerWeCanReadBack = verWeCanReadBack;
        LoaderAssemblyName = loaderAssemblyName;
        LoaderSignature = loaderSignature;
        LoaderSignatureAlt = loaderSignatureAlt;
    }

    /// <summary>The characters from the lowest byte up; a space is a zero byte.</summary>
    private static ulong Pack(string text)
    {
        ulong packed = 0;
        for (int i = 0; i < text.Length; i++)
            packed |= (ulong)(text[i] == ' ' ? '\0' : text[i]) << (8 * i);
        return packed;
    }
}
