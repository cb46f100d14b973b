using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms.Image;

/// <summary>The type of a column of images, of one size or, with 0 for height and width, of any.</summary>
public sealed class ImageDataViewType : StructuredDataViewType
{
    public readonly int Height;
    public readonly int Width;

    public ImageDataViewType() : base(typeof(MLImage))
    {
    }

    public ImageDataViewType(int height, int width) : this()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        (Height, Width) = (height, width);
    }

    public override bool Equals(DataViewType other) => other is ImageDataViewType image && image.Height == Height && image.Width == Width;

    public override int GetHashCode() => HashCode.Combine(Height, Width);

    public override string ToString() => Height == 0 && Width == 0 ? "Image" : $"Image<{Height}, {Width}>";
}

/// <summary>Marks a property of type <see cref="MLImage"/> as a column of images.</summary>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class ImageTypeAttribute : DataViewTypeAttribute
{
    private readonly ImageDataViewType _type;

    public ImageTypeAttribute() => _type = new ImageDataViewType();

    public ImageTypeAttribute(int height, int width) => _type = new ImageDataViewType(height, width);

    public override void Register() => DataViewTypeManager.Register(_type, typeof(MLImage), this);

    public override bool Equals(DataViewTypeAttribute other) => other is ImageTypeAttribute image && image._type.Equals(_type);

    public override int GetHashCode() => _type.GetHashCode();
}
