namespace AirMLNet.Notebooks;

/// <summary>
/// Tells .NET Interactive, which notebooks run on, who shows a type: it looks for an attribute of this name with these members on the type
/// or its bases, wherever the attribute comes from, so that no reference is needed.
/// </summary>
/// <param name="formatterSourceType">The class that makes the formatters.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = true)]
internal sealed class TypeFormatterSourceAttribute(Type formatterSourceType) : Attribute
{
    /// <summary>A class with a method <c>CreateTypeFormatters</c>.</summary>
    public Type FormatterSourceType { get; } = formatterSourceType;

    /// <summary>What is shown where nothing else is asked for.</summary>
    public string[] PreferredMimeTypes { get; set; } = ["text/html"];
}
